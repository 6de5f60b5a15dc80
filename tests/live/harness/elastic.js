// Writes what Elastic's OTLP receiver gets and decodes, a line of JSON each:
//
//     NODE_PATH=… node elastic.js RECEIVED.jsonl GRPC_PORT HTTP_PORT
//
// {"kind": "request", "transport", "path", "headers"}: as it came, before it is decoded
// {"kind": "trace", "resourceSpans"}: as OTLP/JSON has it, without what is empty
// {"kind": "uncaught", "error"}: the receiver answers over HTTP before it decodes, and would now end

const fs = require('node:fs');
const {MockOtlpServer} = require('@elastic/mockotlpserver');

const [received, grpcPort, httpPort] = process.argv.slice(2);
const LOOPBACK = '127.0.0.1';

function write(kind, content) {
  fs.appendFileSync(received, JSON.stringify({kind, ...content}) + '\n');
}

// The same for what was protobuf and what was JSON.
function plain(value, key) {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === null || typeof value !== 'object') return value;
  if ('low' in value && 'high' in value) return value.toString(); // a 64-bit integer
  const fields = Object.entries(value).map(([name, field]) => [name, plain(field, name)]);
  // In a value, what is empty is what was meant.
  const isValue = key === 'value' || key === undefined && fields.every(([name]) => name.endsWith('Value'));
  return Object.fromEntries(isValue ? fields : fields.filter(([, field]) => !isEmpty(field)));
}

function isEmpty(field) {
  const nothing = field === null || ['', 0, '0'].includes(field);
  return nothing || Array.isArray(field) && field.length === 0;
}

process.on('uncaughtException', (error) => write('uncaught', {error: String(error)}));

new MockOtlpServer({
  services: ['grpc', 'http'],
  grpcHostname: LOOPBACK,
  grpcPort: Number(grpcPort),
  httpHostname: LOOPBACK,
  httpPort: Number(httpPort),
  onRequest: ({transport, path, metadata, headers}) =>
    write('request', {transport, path, headers: metadata ? metadata.getMap() : headers}),
  onTrace: (trace) => write('trace', plain(trace)),
}).start();
