/**
 * Whether the editor stays smooth while a long sweep goes: 200 runs of which 20 end a minute, in the real workbench.
 *
 *   node benchmarks/runs-view.mjs [--seconds 60] [--runs 200] [--per-minute 20] [--at-once 14] [--launcher slurm|local]
 *
 * The runs are folders that another process writes (10 steps a second and a heartbeat a second each). With `slurm` those that wait
 * have a folder from the beginning, as on a cluster; with `local` they get it when their turn comes. The Runs view is open with
 * the sweep unfolded. Prints JSON on its last line, for the same length of time twice: `still`, before anything changes, and `going`.
 * `host` is the extension host's processor time in per cent of a core, that of all other extensions included: all threads, the one
 * that runs extensions, and the milliseconds that this one worked in its busiest quarter of a second. `page` are the frames of the
 * window: the longest gap between two, how many gaps were over 50 ms, and long tasks of its script.
 * `row` is from a run's last event until its row says so, median and most. Wants code-server and Chromium (docs/vscode.md) and
 * `npm run build`. Figures are reported, not judged: machines differ.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
/** Of all that it starts, so that its extension host is known among others. */
const MARK = 'DISTILL_LAB_RUNS_VIEW';
const TICK = 100;

if (process.argv[2] === 'play') play(JSON.parse(readFileSync(process.argv[3], 'utf8')));
else await measure();

/** The runs and their queue, until it is killed: the longest going one ends, the next begins. */
function play({ sweep, runs, atOnce, perMinute, launcher }) {
  const sign = () => JSON.stringify({ pid: process.pid, host: hostname(), time: Date.now(), processStart: '' });
  const put = (file, text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const journal = (line) => { appendFileSync(join(sweep, 'journal.jsonl'), `${JSON.stringify({ time: Date.now(), ...line })}\n`); };
  const total = Math.round(atOnce * 60 / perMinute * 1000 / TICK);
  const going = [];
  let next = 0;
  const note = (folder, state, reason) => { if (launcher === 'slurm') put(join(folder, 'job.json'), JSON.stringify({ launcher, job: '1', state, since: Date.now(), ...(reason === undefined ? {} : { reason }) })); };
  const write = ({ folder }, event) => { appendFileSync(join(folder, 'events.jsonl'), `${JSON.stringify({ time: Date.now(), ...event })}\n`); };
  const begin = (step) => {
    const run = { ...runs[next], step };
    next += 1;
    if (run.aside !== run.folder) renameSync(run.aside, run.folder);
    note(run.folder, 'running');
    put(join(run.folder, 'heartbeat'), sign());
    write(run, { type: 'started', pid: process.pid, host: hostname(), name: 'played', totalSteps: total, stepsPerEpoch: 10, from: { student: 0 }, engine: { backend: 'cpu', device: 'none', precision: 'float32', captured: false }, summary: 'played', arms: ['student'], methods: [], classes: ['a'] });
    journal({ type: 'started', key: run.key, job: '1' });
    going.push(run);
  };
  const end = (run) => {
    const AP = 0.3 + (next % 7) / 50;
    write(run, { type: 'evaluation', step: run.step, subject: 'student', metrics: Object.fromEntries(['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl'].map((name) => [name, AP])), perClass: {}, seconds: 1 });
    write(run, { type: 'ended', state: 'finished' });
    journal({ type: 'ended', key: run.key, state: 'finished' });
    console.log(JSON.stringify({ folder: run.folder, seed: run.seed, time: Date.now() }));
  };
  put(join(sweep, 'queue.json'), sign());
  journal({ type: 'opened', pid: process.pid, host: hostname() });
  if (launcher === 'slurm') for (const { folder } of runs) note(folder, 'waiting', 'waits in Slurm\'s queue (job 1: no free node)');
  for (let i = 0; i < atOnce; i += 1) begin(Math.round(total * (atOnce - i) / atOnce));
  console.log('ready');
  setInterval(() => { for (const { folder } of going) put(join(folder, 'heartbeat'), sign()); }, 1000);
  setInterval(() => { put(join(sweep, 'queue.json'), sign()); }, 10_000);
  process.stdin.once('data', () => {
    let ticks = 0;
    setInterval(() => {
      ticks += 1;
      for (const run of going) {
        run.step += 1;
        write(run, { type: 'step', arm: 'student', step: run.step, losses: { total: 1 / run.step, 'detection.box': 0.5, 'detection.classification': 0.5 }, learningRate: 0.1, gradientNorm: 1, imagesPerSecond: 40 });
      }
      if (ticks % Math.round(60_000 / perMinute / TICK) !== 0) return;
      end(going.shift());
      if (next < runs.length) begin(0);
    }, TICK);
  });
}

/** What is TypeScript: the hands and eyes of the end-to-end tests, and what makes sweeps. */
async function support(folder) {
  const outfile = join(folder, 'support.mjs');
  await build({
    stdin: {
      contents: ["export { findTools, startWorkbench } from './test/e2e/support/codeServer.ts';", "export { Driver } from './test/e2e/support/driver.ts';", "export { createSweepFolder, readPlan } from './src/sweep/folder.ts';", "export { planSweep } from './src/sweep/plan.ts';", "export { makeRunFolder } from './src/sweep/runs.ts';", "export { launchSchema } from './src/experiment/sweepSchema.ts';"].join('\n'),
      resolveDir: root, loader: 'ts',
    },
    bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', outfile, logLevel: 'warning',
    define: { 'import.meta.dirname': JSON.stringify(join(root, 'test', 'e2e', 'support')) },
  });
  return import(pathToFileURL(outfile).href);
}

async function measure() {
  const [seconds, count, perMinute, atOnce, launcher] = [Number(option('seconds', 60)), Number(option('runs', 200)), Number(option('per-minute', 20)), Number(option('at-once', 14)), option('launcher', 'slurm')];
  const folder = join(root, 'test-results', '.runs-view');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(root, 'dist', 'extension.js'))) throw new Error('dist is missing: run `npm run build` first');
  const { findTools, startWorkbench, Driver, ...sweeps } = await support(folder);
  const tools = findTools();
  if ('missing' in tools) throw new Error(tools.missing);
  const text = `name: played\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 300, warmup: 0 }\nseeds: [${Array.from({ length: count }, (_, seed) => seed).join()}]\n`;
  // The workbench waits for the folder: it is made before.
  const workspace = join(folder, 'workspace');
  const runs = await makeRuns(sweeps, { workspace, text, launcher });
  const workbench = await startWorkbench({ tools, files: { 'played.distill.yaml': text }, workspace, env: { [MARK]: String(process.pid) } });
  writeFileSync(join(folder, 'play.json'), JSON.stringify({ ...runs, atOnce, perMinute, launcher }));
  const player = spawn(process.execPath, [import.meta.filename, 'play', join(folder, 'play.json')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = [];
  const ready = new Promise((resolve) => {
    player.stdout.on('data', (chunk) => {
      for (const line of chunk.toString().split('\n')) {
        if (line === 'ready') resolve();
        else if (line !== '') ended.push(JSON.parse(line));
      }
    });
  });
  const driver = await Driver.launch(tools);
  try {
    await ready;
    await driver.open(workbench.url);
    await driver.openFile('played.distill.yaml');
    const view = driver.page.locator('[id="workbench.view.extension.distillLab"]');
    await driver.command('View: Show Distill Lab').catch(() => undefined);
    await view.locator('.monaco-list-row').first().waitFor({ timeout: 60_000 });
    await driver.until('the rows of its runs', async () => {
      if (await view.locator('.monaco-list-row[aria-level="3"]').count() > 3) return true;
      const closed = view.locator('.monaco-list-row[aria-expanded="false"]').first();
      await closed.click({ timeout: 2000 }).catch(() => undefined);
      return false;
    });
    await driver.page.waitForTimeout(5000);
    const host = extensionHost();
    await watchFrames(driver.page);
    const still = await during(driver, host, seconds, async () => undefined);
    player.stdin.write('go\n');
    const seen = new Map();
    const going = await during(driver, host, seconds, async () => {
      for (const { seed, time } of ended) {
        if (seen.has(seed)) continue;
        const label = await view.locator(`.monaco-list-row[aria-level="3"]`).evaluateAll((rows, name) => rows.map((row) => row.getAttribute('aria-label') ?? '').find((one) => one.includes(name)), `seed ${seed},`).catch(() => undefined);
        if (label?.includes('finished') === true) seen.set(seed, Date.now() - time);
      }
    });
    await driver.shot('runs-view');
    const waits = [...seen.values()].sort((a, b) => a - b);
    console.log(JSON.stringify({ runs: count, perMinute, atOnce, launcher, seconds, load: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]), still, going: { ...going, finished: ended.length }, row: waits.length === 0 ? null : { seen: waits.length, median: waits[waits.length >> 1], most: waits.at(-1) } }));
  } finally {
    player.kill();
    await driver.close();
    await workbench.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function makeRuns({ createSweepFolder, planSweep, makeRunFolder, readPlan, launchSchema }, { workspace, text, launcher }) {
  const file = join(workspace, 'played.distill.yaml');
  const plan = planSweep(text, file);
  const runsRoot = join(workspace, 'runs');
  mkdirSync(join(workspace, 'aside'), { recursive: true });
  const sweep = await createSweepFolder(runsRoot, { name: plan.name, file, created: Date.now(), version: '0', launch: launchSchema.parse({ on: launcher }), halving: undefined, runs: plan.runs }, text);
  const kept = await readPlan(sweep);
  const runs = [];
  for (const planned of kept.runs) {
    const aside = await makeRunFolder(kept, planned, sweep.split('/').at(-1), launcher === 'slurm' ? runsRoot : join(workspace, 'aside'));
    runs.push({ key: planned.key, seed: planned.seed, aside, folder: join(runsRoot, aside.split('/').at(-1)) });
  }
  return { sweep, runs };
}

/** Of this window, by the mark in its environment. */
function extensionHost() {
  const found = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=extensionHost') && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${MARK}=${process.pid}`);
    } catch {
      return false;
    }
  });
  if (found.length !== 1) throw new Error(`${found.length} extension hosts`);
  return found[0];
}

/** Milliseconds of all its threads; and how long its main thread waited or worked between two looks. */
function processorTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const main = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return { all: 10 * (Number(fields[11]) + Number(fields[12])), main: Number(main[0]) / 1e6 };
}

async function watchFrames(page) {
  await page.evaluate(() => {
    globalThis.seen = { longTasks: [], gaps: [], last: performance.now() };
    new globalThis.PerformanceObserver((list) => { for (const entry of list.getEntries()) globalThis.seen.longTasks.push(entry.duration); }).observe({ entryTypes: ['longtask'] });
    const frame = (now) => {
      globalThis.seen.gaps.push(now - globalThis.seen.last);
      globalThis.seen.last = now;
      globalThis.requestAnimationFrame(frame);
    };
    globalThis.requestAnimationFrame(frame);
  });
}

async function during(driver, host, seconds, look) {
  await driver.page.evaluate(() => { Object.assign(globalThis.seen, { longTasks: [], gaps: [] }); });
  const [begin, before] = [performance.now(), processorTime(host)];
  /** The busiest quarter of a second of its main thread. */
  let [last, busiest] = [{ at: begin, main: before.main }, 0];
  while (performance.now() - begin < 1000 * seconds) {
    await new Promise((resolve) => { setTimeout(resolve, 250); });
    const { main } = processorTime(host);
    busiest = Math.max(busiest, main - last.main);
    last = { at: performance.now(), main };
    await look();
  }
  const after = processorTime(host);
  const wall = performance.now() - begin;
  const { longTasks, gaps } = await driver.page.evaluate(() => ({ longTasks: globalThis.seen.longTasks, gaps: globalThis.seen.gaps }));
  const round = (value) => Math.round(10 * value) / 10;
  return {
    host: { percentOfACore: round((after.all - before.all) / wall * 100), mainThread: round((after.main - before.main) / wall * 100), busiestQuarterSecond: Math.round(busiest) },
    page: { frames: gaps.length, longestGap: Math.round(Math.max(0, ...gaps)), over50: gaps.filter((gap) => gap > 50).length, longTasks: longTasks.length, longestTask: Math.round(Math.max(0, ...longTasks)) },
  };
}
