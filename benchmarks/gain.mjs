/**
 * What distillation gains: the rows of `gainExperiments.mjs` with seeds 0, 1, 2, by the built command line, one after the other.
 *
 *   node benchmarks/gain.mjs scenes
 *   BCCD_ROOT=/path/to/bccd node benchmarks/gain.mjs bccd pkd cwd     only these rows
 *   node benchmarks/gain.mjs scenes --cost      time and memory of each row, from short runs: on a machine that does nothing else
 *   node benchmarks/gain.mjs --write            only writes docs/results.md from what was measured
 *
 * Each result is kept in benchmarks/results/<set>-<row>-<seed>.json as soon as it is there, so an interrupted
 * measurement goes on where it was; delete a file to measure it again.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ROWS, SEEDS, SETS } from './gainExperiments.mjs';
import { writeResults } from './gainPage.mjs';

const root = join(import.meta.dirname, '..');
const cli = join(root, 'dist', 'cli.js');
const folder = join(root, 'benchmarks', 'results');
/** Long enough for the pace of steps, too short to learn anything. */
const COST_STEPS = 120;

const words = process.argv.slice(2);
const sets = words.filter((word) => word in SETS);
const asked = words.filter((word) => ROWS.some(({ id }) => id === word));
const rows = ROWS.filter(({ id }) => asked.length === 0 || asked.includes(id));

mkdirSync(folder, { recursive: true });
for (const set of sets) {
  if (words.includes('--cost')) for (const row of rows) await measureCost(set, row);
  else for (const row of rows) for (const seed of SEEDS) await measure(set, row, seed);
}
writeResults();

async function measure(set, row, seed) {
  const file = join(folder, `${set}-${row.id}-${seed}.json`);
  if (existsSync(file)) return;
  const controls = ROWS.find(({ detector }) => detector === row.detector) === row;
  const result = await run(SETS[set].example, seed, { ...await settings(set, row, seed), 'train.steps': SETS[set].steps, 'evaluate.every': SETS[set].steps, control: controls });
  keep(file, { experiment: `${set}-${row.id}`, seed, ...result });
}

async function measureCost(set, row) {
  const file = join(folder, `${set}-${row.id}-cost.json`);
  if (existsSync(file)) return;
  const { secondsPerStep, peakMemoryMiB } = await run(SETS[set].example, 0, { ...await settings(set, row, 0), 'train.steps': COST_STEPS, 'train.warmup': 10, 'evaluate.every': COST_STEPS, control: false });
  keep(file, { experiment: `${set}-${row.id}`, secondsPerStep, peakMemoryMiB });
}

async function settings(set, { detector, distill }, seed) {
  const weights = await teacher(set, detector, seed);
  return {
    'teacher.detector': detector, 'student.detector': detector, distill: JSON.stringify(distill),
    ...(weights === undefined ? {} : { 'teacher.weights': weights }),
  };
}

/** The teacher's weights, trained if they are not there; undefined where the example names its own. */
async function teacher(set, detector, seed) {
  const { example, steps, seeds } = SETS[set].teachers[detector];
  if (example === undefined) return undefined;
  const own = seeds === 'once' ? 0 : seed;
  const name = `${set}-${detector === 'retinanet' ? '' : `${detector}-`}teacher-${own}`;
  const weights = join(root, 'runs', 'gain', `${name}.safetensors`);
  const file = join(folder, `${name}.json`);
  if (existsSync(weights) && existsSync(file)) return weights;
  const { folder: trained, ...result } = await run(example, own, { 'student.detector': detector, 'train.steps': steps, 'evaluate.every': steps });
  await commandLine(['export', trained, '--checkpoint', 'last', '--output', weights, '--json']);
  keep(file, { experiment: name, seed: own, ...result });
  return weights;
}

async function run(example, seed, more) {
  const set = Object.entries({ 'train.seed': seed, 'pictures.images': 0, ...more }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  console.log(`${new Date().toISOString()} ${example}, seed ${seed}: ${more.distill ?? 'teacher'}, ${more['student.detector']}`);
  const begin = performance.now();
  const result = await commandLine(['run', join('examples', `${example}.distill.yaml`), '--json', '--runs', join('runs', 'gain'), ...set]);
  return { ...result, seconds: Math.round((performance.now() - begin) / 1000) };
}

function keep(file, { ...result }) {
  delete result.folder;
  writeFileSync(file, `${JSON.stringify({ ...result, machine: `${cpus().length} cores, ${cpus()[0].model.trim()}` }, null, 2)}\n`);
}

function commandLine(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.on('close', (code) => { code === 0 ? resolve(JSON.parse(output.trim().split('\n').at(-1))) : reject(new Error(`distill-lab ${args.join(' ')} ended with code ${code}`)); });
  });
}
