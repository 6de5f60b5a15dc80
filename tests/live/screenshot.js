// Takes the README's pictures: the quickstart's trace in the UI of a real MLflow server.
//
//     npm install --prefix target/live/ui playwright-core@1.65.1
//     python3 tests/live/servers.py node tests/live/screenshot.js
//
// Needs Debian's `chromium`. Writes docs/quickstart.png (the trace) and docs/quickstart_list.png
// (the list of traces). Look at them before you keep them.

const {execFileSync} = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const {chromium} = require(path.join(ROOT, 'target/live/ui/node_modules/playwright-core'));

const SERVER = process.env.MLFLOW_TEST_URI;
const EXPERIMENT = 'quickstart';
// As large as what is worth seeing.
const LIST = {width: 1600, height: 420};
const TRACE = {width: 1280, height: 560};
// Sharp on screens with small points.
const SCALE = 1.5;
const PATIENCE = {timeout: 60_000};

async function main() {
  execFileSync('cargo', ['run', '--quiet', '--example', 'quickstart'], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {...process.env, MLFLOW_TRACKING_URI: SERVER, MLFLOW_EXPERIMENT_NAME: EXPERIMENT},
  });
  const {experiment, traceId} = await lastTrace();
  const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']});
  try {
    const page = await quietPage(browser);
    await page.setViewportSize(LIST);
    const list = `${SERVER}/#/experiments/${experiment}/traces`;
    await page.goto(list);
    await page.getByText('Paris, and it is 21.5').first().waitFor(PATIENCE);
    await dismissHints(page);
    await settle(page);
    await page.screenshot({path: path.join(ROOT, 'docs/quickstart_list.png')});
    await page.setViewportSize(TRACE);
    await page.goto(`${list}?selectedEvaluationId=${traceId}`);
    await page.reload();
    await page.getByText('retrieve', {exact: true}).first().waitFor(PATIENCE);
    await settle(page);
    await page.screenshot({path: path.join(ROOT, 'docs/quickstart.png')});
  } finally {
    await browser.close();
  }
}

async function lastTrace() {
  const byName = await ask(`/api/2.0/mlflow/experiments/get-by-name?experiment_name=${EXPERIMENT}`);
  const experiment = byName.experiment.experiment_id;
  const location = {type: 'MLFLOW_EXPERIMENT', mlflow_experiment: {experiment_id: experiment}};
  const found = await ask('/api/3.0/mlflow/traces/search', {locations: [location], max_results: 1});
  return {experiment, traceId: found.traces[0].trace_id};
}

async function ask(route, body) {
  const options = body && {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  };
  const answer = await fetch(SERVER + route, options);
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// A page that reaches nothing but this machine.
async function quietPage(browser) {
  const context = await browser.newContext({deviceScaleFactor: SCALE});
  const page = await context.newPage();
  await page.route('**/*', (route) => {
    const url = new URL(route.request().url());
    const local = url.hostname === '127.0.0.1' || ['data:', 'blob:'].includes(url.protocol);
    return local ? route.continue() : route.abort();
  });
  return page;
}

// What the UI shows to first-time visitors.
async function dismissHints(page) {
  for (const name of ['Got it', 'Close', 'Dismiss', 'Skip']) {
    const button = page.getByRole('button', {name, exact: true}).first();
    if (await button.isVisible()) await button.click();
  }
}

// The page polls, and its animations tell nobody when they end.
function settle(page) {
  return page.waitForTimeout(3_000);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
