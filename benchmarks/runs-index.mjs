/**
 * How long it takes to list many runs, with and without the index.
 *
 *   node benchmarks/runs-index.mjs [--runs 1000] [--parts 100] [--steps 20] [--repeat 5]
 *
 * Writes run folders whose steps tell as many parts of the loss as asked, into a temporary folder that is removed at the end.
 * Each figure is of a fresh process, as in a window that was just opened: the median over the repeats, in milliseconds.
 * `wall` is the time that passed, `processor` that of all threads of the process, which other programs disturb less.
 * `cold` reads every folder and writes the index, `indexed` reads the index and looks whether a folder has changed,
 * `again` is the second list of the same process, `arranged` sorts, filters and groups what was listed. JSON on the last line.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const [count, parts, steps, repeat] = [option('runs', 1000), option('parts', 100), option('steps', 20), option('repeat', 5)];
const median = (values) => Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN);

function eventsOf(run) {
  const time = 1_750_000_000_000 + run * 60_000;
  const metrics = (AP) => ({ AP, AP50: AP * 1.5, AP75: AP * 1.02, APs: AP * 0.5, APm: AP * 0.95, APl: AP * 1.2, AR1: AP * 0.6, AR10: AP * 1.1, AR100: AP * 1.25, ARs: AP * 0.7, ARm: AP * 1.2, ARl: AP * 1.4 });
  const perClass = (AP) => Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`class ${i}`, metrics(AP)]));
  const events = [{ type: 'started', time, pid: 1, host: 'bench', name: `experiment-${run % 25}`, totalSteps: 100 * steps, stepsPerEpoch: 100, from: { student: 0 }, engine: { backend: 'tensorflow', device: 'CPU', precision: 'float32', captured: true }, summary: 'RetinaNet R50 → RetinaNet R18 · FGD · coco, 1,200 images', arms: ['control', 'student'], methods: ['fgd'], classes: Array.from({ length: 8 }, (_, i) => `class ${i}`), methodTitles: { fgd: 'FGD' } }];
  for (const arm of ['control', 'student']) {
    for (let step = 1; step <= steps; step += 1) {
      events.push({ type: 'step', time: time + 1000 * step, arm, step: 100 * step, losses: Object.fromEntries([['total', 1], ...Array.from({ length: parts }, (_, i) => [`fgd.part${i}`, Math.sin(run + step * i) ** 2])]), learningRate: 0.01, gradientNorm: 2.5, imagesPerSecond: 100 });
      if (step % 2 === 0) events.push({ type: 'evaluation', time: time + 1000 * step, step: 100 * step, subject: arm, metrics: metrics((0.2 + (run % 7) / 20) * (step / steps)), perClass: perClass(0.3), seconds: 2 });
    }
  }
  events.push({ type: 'ended', time: time + 1_000_000, state: 'finished' });
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

/** Runs in a process of its own: lists, tells how long it took. */
const measure = `
import { chooseRuns, groupRuns, listRuns, sortRuns } from './store.mjs';
const memory = new Map();
const timed = async (work) => {
  const [begin, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return [{ wall: performance.now() - begin, processor: (user + system) / 1000 }, result];
};
const [first, runs] = await timed(() => listRuns([process.argv[2]], memory));
const [again] = await timed(() => listRuns([process.argv[2]], memory));
const [arranged] = await timed(() => groupRuns(sortRuns(chooseRuns(runs, { text: 'fgd finished', states: [] }), 'gain')));
if (runs.length !== ${count}) throw new Error('listed ' + runs.length);
console.log(JSON.stringify({ first, again, arranged }));
`;

const place = await mkdtemp(join(tmpdir(), 'distill-lab-runs-'));
try {
  const folder = join(place, 'runs');
  for (let run = 0; run < count; run += 1) {
    const at = join(folder, `run-${run}`);
    await mkdir(join(at, 'checkpoints/student/last'), { recursive: true });
    await writeFile(join(at, 'checkpoints/student/last/student.safetensors'), 'weights');
    await writeFile(join(at, 'events.jsonl'), eventsOf(run));
  }
  await build({ absWorkingDir: root, entryPoints: ['src/store/index.ts'], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile: join(place, 'store.mjs'), logLevel: 'warning', banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } });
  await writeFile(join(place, 'measure.mjs'), measure);
  const index = join(folder, '.index.json');
  const once = () => JSON.parse(execFileSync(process.execPath, [join(place, 'measure.mjs'), folder], { encoding: 'utf8' }));
  const series = { cold: [], indexed: [], again: [], arranged: [] };
  for (let i = 0; i < repeat; i += 1) {
    await rm(index, { force: true });
    series.cold.push(once().first);
    const { first, again, arranged } = once();
    series.indexed.push(first);
    series.again.push(again);
    series.arranged.push(arranged);
  }
  const figures = Object.fromEntries(Object.entries(series).map(([name, values]) => [name, { wall: median(values.map(({ wall }) => wall)), processor: median(values.map(({ processor }) => processor)) }]));
  console.log(JSON.stringify({ runs: count, parts, steps, ...figures, indexBytes: (await stat(index)).size }));
} finally {
  await rm(place, { recursive: true, force: true });
}
