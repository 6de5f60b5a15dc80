// The UI of a real MLflow server in a browser that reaches nothing but this machine.
//
// Needs Debian's `chromium`, and: npm install --prefix target/live/ui playwright-core@1.65.1

const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');
const {chromium} = require(path.join(ROOT, 'target/live/ui/node_modules/playwright-core'));

const SERVER = process.env.MLFLOW_TEST_URI;
const PATIENCE = {timeout: 60_000};

// Gives `use` a page whose points are `scale` pixels wide.
async function withPage(scale, use) {
  const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']});
  try {
    const context = await browser.newContext({deviceScaleFactor: scale});
    const page = await context.newPage();
    await page.route('**/*', (route) => {
      const url = new URL(route.request().url());
      const local = url.hostname === '127.0.0.1' || ['data:', 'blob:'].includes(url.protocol);
      return local ? route.continue() : route.abort();
    });
    return await use(page);
  } finally {
    await browser.close();
  }
}

function tracesOf(experiment) {
  return `${SERVER}/#/experiments/${experiment}/traces`;
}

// Shows a trace, once `text` is there.
async function showTrace(page, experiment, traceId, text) {
  await page.goto(`${tracesOf(experiment)}?selectedEvaluationId=${traceId}`);
  await page.reload();
  await page.getByText(text, {exact: true}).first().waitFor(PATIENCE);
  await settle(page);
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

module.exports = {PATIENCE, ROOT, SERVER, ask, dismissHints, settle, showTrace, tracesOf, withPage};
