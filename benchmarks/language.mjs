/**
 * How long an experiment of 500 lines takes from being opened to its first diagnostics, and how long completion, hover and the rest take.
 *
 *   node benchmarks/language.mjs [--processes 7] [--rounds 30]
 *
 * Prints JSON on its last line, times in milliseconds. `firstDiagnostics` and `firstCompletion` are medians over fresh processes:
 * evaluating the code that the extension loads for it, then the work itself. The others are medians (and the 95 % quantile) in a process
 * that has done it before. `processor` is the process's own processor time of the same, which other programs disturb less.
 * Needs `npm run build`. Figures are reported, not judged: machines differ.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const language = join(root, 'dist/language.js');

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

/** Every kind of key, and a list of classes as long as it takes. */
function experiment(lines) {
  const text = `name: long
data:
  format: coco
  root: data
  train: { annotations: train.json, images: train }
  val: { annotations: val.json, images: val }
  size: [512, 512]
  classes:
CLASSES
teacher:
  - { detector: fcos, backbone: resnet50, weights: a.pth, methods: [fgd] }
  - { detector: fcos, backbone: resnet101, weights: b.pth }
student:
  detector: fcos
  backbone: resnet18
distill:
  - method: fgd
    temperature: 0.8
  - method: pkd
    levels: 4
train:
  steps: 10000
  optimizer: sgd
evaluate:
  every: 1000
`;
  const missing = lines - (text.split('\n').length - 2);
  return text.replace('CLASSES', Array.from({ length: missing }, (_, index) => `    - class ${index}   # of the data set`).join('\n'));
}

const child = `
const [,, what, file, rounds] = process.argv;
const text = require('node:fs').readFileSync(file, 'utf8');
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];
async function timed(work) {
  const begin = performance.now();
  const used = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(used);
  return { time: performance.now() - begin, processor: (user + system) / 1000 };
}
async function main() {
  if (what === 'diagnostics') return timed(() => { const { readExperiment } = require('./load.cjs'); if (readExperiment(text, file).experiment === undefined) throw new Error('the experiment is not sound'); });
  const key = text.indexOf('    temperature');
  const offset = key + '    temp'.length;
  if (what === 'completion') return timed(() => require(${JSON.stringify(language)}).complete({ text, file }, offset));
  const { readExperiment } = require('./load.cjs');
  const { complete, definition, folds, format, hover, outline } = require(${JSON.stringify(language)});
  const value = text.indexOf('fcos\\n  backbone: resnet18') + 2;
  const works = {
    diagnostics: () => readExperiment(text, file), completionOfKeys: () => complete({ text, file }, offset), completionOfValues: () => complete({ text, file }, value), hover: () => hover({ text, file }, offset),
    definition: () => definition({ text, file }, text.indexOf('a.pth') + 1), outline: () => outline({ text, file }), folding: () => folds({ text, file }), format: () => format({ text, file }),
  };
  const result = {};
  for (const [name, work] of Object.entries(works)) {
    const times = [];
    for (let round = 0; round < Number(rounds); round += 1) times.push(await timed(work));
    const time = times.map((each) => each.time);
    result[name] = { median: quantile(time, 0.5), most: quantile(time, 0.95), processor: quantile(times.map((each) => each.processor), 0.5) };
  }
  return result;
}
main().then((result) => console.log(JSON.stringify(result)));
`;

async function main() {
  if (!existsSync(language)) throw new Error('dist/language.js is missing: run `npm run build` first');
  const folder = mkdtempSync(join(tmpdir(), 'distill-lab-language-'));
  try {
    await build({ entryPoints: [join(root, 'src/experiment/load.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: join(folder, 'load.cjs'), logLevel: 'warning' });
    writeFileSync(join(folder, 'child.cjs'), child);
    const file = join(folder, 'long.distill.yaml');
    const text = experiment(500);
    writeFileSync(file, text);
    const ask = (what) => JSON.parse(execFileSync(process.execPath, [join(folder, 'child.cjs'), what, file, String(option('rounds', 30))], { encoding: 'utf8' }));
    const median = (what) => {
      const all = Array.from({ length: option('processes', 7) }, () => ask(what));
      const middle = (key) => all.map((each) => each[key]).sort((a, b) => a - b)[Math.floor(all.length / 2)];
      return { median: middle('time'), processor: middle('processor') };
    };
    const round = (value) => (typeof value === 'number' ? Math.round(10 * value) / 10 : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, round(each)])));
    console.log(JSON.stringify(round({ lines: text.trimEnd().split('\n').length, firstDiagnostics: median('diagnostics'), firstCompletion: median('completion'), ...ask('all') })));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
