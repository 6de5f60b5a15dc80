// Takes pictures of traces of the parity suite: Python's on the left, ours on the right.
//
//     npm install --prefix target/live/ui playwright-core@1.65.1
//     python3 tests/live/servers.py node tests/live/parity/screenshots.js
//
// Needs Debian's `chromium`. Writes docs/parity/*.png. Look at them before you keep them.

const {execFileSync} = require('node:child_process');
const {mkdirSync, readFileSync} = require('node:fs');
const path = require('node:path');

const {PATIENCE, ROOT, dismissHints, settle, showTrace, tracesOf, withPage} = require('../harness/browser');

const DIRECTORY = path.join(ROOT, 'docs/parity');
const SIDES = ['python', 'rust'];
const VIEW = {width: 1120, height: 640};
// What the trace leaves of the page behind it.
const BEHIND = 112;
const GAP = 8;

// Trace and span of the scenario, and the tab, if it is not the first.
const PICTURES = {
  assistant: {trace: 'assistant', span: 'assistant', height: 390},
  retriever: {trace: 'assistant', span: 'retrieve', height: 450},
  chat: {trace: 'chat', span: 'chat', height: 640},
  // Above the first path of a file.
  error: {trace: 'error_with_a_cause', span: 'load', tab: 'Events', height: 550},
  stream: {trace: 'stream', span: 'chat', tab: 'Events', height: 520},
};

async function main() {
  const suite = 'parity_suite::a_trace_of_ours_differs_from_one_of_python_only_where_it_is_meant_to';
  execFileSync('cargo', ['test', '--test', 'live', '--', '--ignored', '--exact', suite], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const made = JSON.parse(readFileSync(path.join(ROOT, 'target/tmp/parity.json')));
  mkdirSync(DIRECTORY, {recursive: true});
  await withPage(1, async (page) => {
    await page.setViewportSize(VIEW);
    // Where the hints can be reached; they are shown once.
    await page.goto(tracesOf(made.rust.experiment));
    await page.getByText('Rows per page').first().waitFor(PATIENCE);
    await settle(page);
    await dismissHints(page);
    for (const [name, {trace, span, tab, height}] of Object.entries(PICTURES)) {
      const sides = [];
      for (const side of SIDES) {
        const {experiment, traces} = made[side];
        await page.setViewportSize(VIEW);
        await showTrace(page, experiment, traces[trace][0], span);
        await page.getByText(span, {exact: true}).first().click();
        if (tab) await page.getByRole('tab', {name: new RegExp(`^${tab}`)}).first().click();
        await settle(page);
        const clip = {x: BEHIND, y: 0, width: VIEW.width - BEHIND, height};
        sides.push((await page.screenshot({clip})).toString('base64'));
      }
      await besideEachOther(page, sides, height, path.join(DIRECTORY, `${name}.png`));
    }
  });
}

async function besideEachOther(page, sides, height, file) {
  await page.setViewportSize({width: 2 * (VIEW.width - BEHIND) + GAP, height});
  const images = sides.map((side) => `<img src="data:image/png;base64,${side}">`);
  await page.goto('about:blank');
  await page.setContent(`<body style="margin:0;display:flex;gap:${GAP}px;background:#888">${images.join('')}`);
  await page.screenshot({path: file});
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
