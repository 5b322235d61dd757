/**
 * What distillation gains: every experiment below with seeds 0, 1, 2, by the built command line, one after the other.
 *
 *   node benchmarks/gain.mjs scenes
 *   BCCD_ROOT=/path/to/bccd node benchmarks/gain.mjs bccd
 *   node benchmarks/gain.mjs --write            only writes docs/results.md from what was measured
 *
 * Each result is kept in benchmarks/results/<experiment>-<seed>.json as soon as it is there, so an interrupted
 * measurement goes on where it was; delete a file to measure it again. A control is trained once a seed, by the first method.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const cli = join(root, 'dist', 'cli.js');
const folder = join(root, 'benchmarks', 'results');
const SEEDS = [0, 1, 2];

/** `steps` as in the experiment: only the last is evaluated. `teacher`: an experiment whose export teaches this one's student of the same seed. */
const EXPERIMENTS = {
  scenes: [
    { id: 'scenes-fgd', title: 'FGD', steps: 1200, controls: true },
    { id: 'scenes-rm-pfi', title: 'RM + PFI', steps: 1200 },
  ],
  bccd: [
    { id: 'bccd-teacher', title: 'teacher', steps: 1200, exports: true },
    { id: 'bccd-fgd', title: 'FGD', steps: 600, controls: true, teacher: 'bccd-teacher' },
    { id: 'bccd-rm-pfi', title: 'RM + PFI', steps: 600, teacher: 'bccd-teacher' },
  ],
};

const resultFile = (id, seed) => join(folder, `${id}-${seed}.json`);
const weightFile = (id, seed) => join(root, 'runs', 'gain', `${id}-${seed}.safetensors`);

function commandLine(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.on('close', (code) => { code === 0 ? resolve(JSON.parse(output.trim().split('\n').at(-1))) : reject(new Error(`distill-lab ${args.join(' ')} ended with code ${code}`)); });
  });
}

async function measure(experiment, seed) {
  const { id, steps, controls = false, teacher, exports = false } = experiment;
  if (existsSync(resultFile(id, seed)) && (!exports || existsSync(weightFile(id, seed)))) return;
  console.log(`${new Date().toISOString()} ${id}, seed ${seed}`);
  const settings = { 'train.seed': seed, 'train.steps': steps, 'evaluate.every': steps, control: controls, 'pictures.images': 0, ...(teacher === undefined ? {} : { 'teacher.weights': weightFile(teacher, seed) }) };
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const begin = performance.now();
  const { folder: run, ...result } = await commandLine(['run', join('examples', `${id}.distill.yaml`), '--json', '--runs', join('runs', 'gain'), ...set]);
  const seconds = Math.round((performance.now() - begin) / 1000);
  if (exports) await commandLine(['export', run, '--checkpoint', 'last', '--output', weightFile(id, seed), '--json']);
  const { model } = cpus()[0];
  writeFileSync(resultFile(id, seed), `${JSON.stringify({ experiment: id, seed, seconds, machine: `${cpus().length} cores, ${model.trim()}`, ...result }, null, 2)}\n`);
}

function results(id) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => new RegExp(`^${id}-\\d+\\.json$`).test(name)).sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
}

function meanAndDeviation(values) {
  if (values.length === 0 || values.some((value) => value === null || value === undefined)) return 'not measured';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  return `${mean.toFixed(1)} ± ${deviation.toFixed(1)} (${values.map((value) => value.toFixed(1)).join(' / ')})`;
}

/** Rows of one data set: subject, AP of each seed, gain of each seed over that seed's better control. */
function rows(set) {
  const controls = results(EXPERIMENTS[set].find((experiment) => experiment.controls).id);
  const better = new Map(controls.map(({ seed, control }) => [seed, Math.max(control.AP, control.inheritAP ?? -Infinity)]));
  const table = [
    ['teacher', controls.map(({ teacher }) => teacher.AP), undefined],
    ['student without distillation', controls.map(({ control }) => control.AP), undefined],
    ['student inheriting, without distillation', controls.map(({ control }) => control.inheritAP), undefined],
  ];
  for (const { id, title, exports } of EXPERIMENTS[set]) {
    if (exports) continue;
    const measured = results(id);
    table.push([`${title}, inheriting`, measured.map(({ student }) => student.AP), measured.map(({ seed, student }) => student.AP - better.get(seed)), measured.map(({ secondsPerStep }) => secondsPerStep * 1000)]);
  }
  return table;
}

function write() {
  const machine = Object.keys(EXPERIMENTS).flatMap((set) => EXPERIMENTS[set].flatMap(({ id }) => results(id)))[0]?.machine ?? 'none yet';
  const tables = Object.keys(EXPERIMENTS).map((set) => {
    const lines = rows(set).map(([name, aps, gains, times]) => `| ${name} | ${meanAndDeviation(aps)} | ${gains === undefined ? '' : meanAndDeviation(gains)} | ${times === undefined ? '' : meanAndDeviation(times)} |`);
    return { set, text: ['| | COCO AP, mean ± sd (seeds 0 / 1 / 2) | gain over the better control | ms a step |', '| --- | --- | --- | --- |', ...lines].join('\n') };
  });
  const template = readFileSync(join(root, 'benchmarks', 'results.template.md'), 'utf8');
  const page = tables.reduce((text, { set, text: table }) => text.replace(`{{${set}}}`, table), template).replace('{{machine}}', machine);
  writeFileSync(join(root, 'docs', 'results.md'), page);
}

mkdirSync(folder, { recursive: true });
const asked = process.argv.slice(2).filter((argument) => argument in EXPERIMENTS);
for (const set of asked) for (const seed of SEEDS) for (const experiment of EXPERIMENTS[set]) await measure(experiment, seed);
write();
