/** Writes docs/results.md from benchmarks/results: nothing in its tables is written by hand. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROWS, SEEDS, SETS } from './gainExperiments.mjs';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'benchmarks', 'results');
const NAMES = { retinanet: 'RetinaNet', gfl: 'GFL' };

export function writeResults() {
  const template = readFileSync(join(root, 'benchmarks', 'results.template.md'), 'utf8');
  const page = Object.keys(SETS).reduce((text, set) => text.replace(`{{${set}}}`, tables(set)), template);
  writeFileSync(join(root, 'docs', 'results.md'), page.replace('{{machine}}', machine() ?? 'none yet'));
}

function tables(set) {
  return Object.keys(SETS[set].teachers).map((detector) => {
    const own = ROWS.filter((row) => row.detector === detector);
    const controls = results(set, own[0].id);
    const better = new Map(controls.map(({ seed, control }) => [seed, Math.max(control.AP, control.inheritAP ?? -Infinity)]));
    const lines = [
      line(`${NAMES[detector]}: teacher`, controls.map(({ teacher }) => teacher.AP)),
      line('student without distillation', controls.map(({ control }) => control.AP)),
      line('student inheriting, without distillation', controls.map(({ control }) => control.inheritAP)),
      ...own.map(({ id, title }) => {
        const measured = results(set, id);
        return line(`${title}, inheriting`, measured.map(({ student }) => student.AP), measured.map(({ seed, student }) => student.AP - better.get(seed)), cost(set, id));
      }),
    ];
    return [`### ${NAMES[detector]}`, '', '| | COCO AP, mean ± sd (by seed) | gain over the better control | ms a step | peak memory |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
  }).join('\n\n');
}

function line(name, aps, gains, { step = '', memory = '' } = {}) {
  return `| ${name} | ${meanAndDeviation(aps)} | ${gains === undefined ? '' : meanAndDeviation(gains)} | ${step} | ${memory} |`;
}

/** From short runs of their own, one after the other: those of the gains ran beside other work. */
function cost(set, id) {
  const measured = read(`${set}-${id}-cost`);
  if (measured === undefined) return { step: 'not measured', memory: 'not measured' };
  return { step: (measured.secondsPerStep * 1000).toFixed(0), memory: `${measured.peakMemoryMiB} MiB` };
}

function results(set, id) {
  return SEEDS.flatMap((seed) => read(`${set}-${id}-${seed}`) ?? []);
}

function read(name) {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function machine() {
  for (const set of Object.keys(SETS)) for (const { id } of ROWS) for (const { machine: name } of results(set, id)) return name;
  return undefined;
}

function meanAndDeviation(values) {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value))) return 'not run';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return `${mean.toFixed(1)} (one seed)`;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  return `${mean.toFixed(1)} ± ${deviation.toFixed(1)} (${values.map((value) => value.toFixed(1)).join(' / ')})`;
}
