// Takes the README's pictures: the quickstart's trace in the UI of a real MLflow server.
//
//     npm install --prefix target/live/ui playwright-core@1.65.1
//     python3 tests/live/servers.py node tests/live/screenshot.js
//
// Needs Debian's `chromium`. Writes docs/quickstart.png (the trace) and docs/quickstart_list.png
// (the list of traces). Look at them before you keep them.

const {execFileSync} = require('node:child_process');
const path = require('node:path');

const {PATIENCE, ROOT, SERVER, ask, dismissHints, settle, showTrace, tracesOf, withPage} =
  require('./harness/browser');

const EXPERIMENT = 'quickstart';
// As large as what is worth seeing.
const LIST = {width: 1600, height: 420};
const TRACE = {width: 1280, height: 560};
// Sharp on screens with small points.
const SCALE = 1.5;

async function main() {
  execFileSync('cargo', ['run', '--quiet', '--example', 'quickstart'], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {...process.env, MLFLOW_TRACKING_URI: SERVER, MLFLOW_EXPERIMENT_NAME: EXPERIMENT},
  });
  const {experiment, traceId} = await lastTrace();
  await withPage(SCALE, async (page) => {
    await page.setViewportSize(LIST);
    await page.goto(tracesOf(experiment));
    await page.getByText('Paris, and it is 21.5').first().waitFor(PATIENCE);
    await dismissHints(page);
    await settle(page);
    await page.screenshot({path: path.join(ROOT, 'docs/quickstart_list.png')});
    await page.setViewportSize(TRACE);
    await showTrace(page, experiment, traceId, 'retrieve');
    await page.screenshot({path: path.join(ROOT, 'docs/quickstart.png')});
  });
}

async function lastTrace() {
  const byName = await ask(`/api/2.0/mlflow/experiments/get-by-name?experiment_name=${EXPERIMENT}`);
  const experiment = byName.experiment.experiment_id;
  const location = {type: 'MLFLOW_EXPERIMENT', mlflow_experiment: {experiment_id: experiment}};
  const found = await ask('/api/3.0/mlflow/traces/search', {locations: [location], max_results: 1});
  return {experiment, traceId: found.traces[0].trace_id};
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
