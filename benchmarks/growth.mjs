/**
 * Time and memory of a captured step as its work grows: image area, batch, number of methods, objects an image.
 *
 *   node benchmarks/growth.mjs [--steps 10] [--only area|batch|methods|objects] [--out docs/growth.svg] [--from results.json]
 *
 * The demo's pair (small teaches tiny; 128 × 128, batch 4, FGD, seven objects an image), one thing changed at a time, each point in a
 * process of its own. Writes a figure (a chart each of processor time, and below it of memory, relative to the least work), says each
 * point, and prints JSON on its last line; `--from` draws such JSON anew. A line above "as the work" grows faster than the work does.
 */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, load, withFolder } from './sources.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { steps: { type: 'string', default: '10' }, only: { type: 'string' }, from: { type: 'string' }, out: { type: 'string', default: join(root, 'docs', 'growth.svg') } } });
const BASE = { size: [128, 128], batch: 4, classes: 4, teacher: 'small', student: 'tiny', method: 'fgd', norm: 'batch' };
const METHODS = ['fgd', 'pkd', 'rm', 'pfi'];
const COURSES = {
  area: { title: 'Image area', points: [128, 192, 256, 320].map((side) => [(side / 128) ** 2, { size: [side, side] }]) },
  batch: { title: 'Batch', points: [1, 2, 4, 8, 16].map((batch) => [batch, { batch }]) },
  methods: { title: 'Methods', points: METHODS.map((_, index) => [index + 1, { method: METHODS.slice(0, index + 1).join('+') }]) },
  objects: { title: 'Objects an image', points: [1, 10, 30, 100, 300].map((objects) => [objects, { objects }]) },
};

await withFolder(async (folder) => {
  const results = values.from === undefined ? await measureAll(folder) : JSON.parse(await readFile(values.from, 'utf8'));
  const { lineChartSvg, paletteOf } = await load(folder, 'src/charts/index.ts', 'charts');
  await writeFile(values.out, figure(results, lineChartSvg, paletteOf('light')));
  console.log(JSON.stringify(results));
});

async function measureAll(folder) {
  const { engineEnvironment } = await load(folder, 'src/launch/environment.ts', 'environment');
  const script = await bundle(folder, 'benchmarks/growthRun.ts', 'growthRun');
  const results = {};
  for (const [name, { points }] of Object.entries(COURSES).filter(([course]) => values.only === undefined || course === values.only)) {
    results[name] = points.map(([work, change]) => {
      const measured = measure(script, { ...BASE, ...change }, engineEnvironment());
      console.error(`${name} ${work}: ${Object.entries(measured).map(([what, value]) => `${what} ${value}`).join(', ')}`);
      return { work, ...measured };
    });
  }
  return results;
}

function measure(script, sizes, environment) {
  const code = `require(${JSON.stringify(script)}).measureGrowth(${JSON.stringify(sizes)}, ${Number(values.steps)}).then((result) => console.log(JSON.stringify(result)))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', env: { ...process.env, ...environment } });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** Two rows of charts in one picture. */
function figure(results, lineChartSvg, palette) {
  const [width, height] = [330, 220];
  const relative = (points, value) => points.map((point) => ({ x: point.work, y: value(point) / value(points[0]) }));
  const parts = Object.entries(results).flatMap(([name, points], column) => {
    const { title } = COURSES[name];
    const linear = name === 'area' || name === 'batch' ? [{ name: 'as the work', colour: 'control', dash: [4, 4], points: points.map(({ work }) => ({ x: work, y: work / points[0].work })) }] : [];
    const charts = [
      { title, unit: 'times the least', series: [{ name: 'step', colour: 'student', marks: 'circle', points: relative(points, ({ processor }) => processor) }, { name: 'targets', colour: 'teacher', marks: 'rect', points: relative(points, ({ targets }) => targets) }, ...linear] },
      { title: 'Memory', unit: 'GB', series: [{ name: 'peak', colour: 'student', marks: 'circle', points: points.map(({ work, peakMemory }) => ({ x: work, y: peakMemory / 1e9 })) }] },
    ];
    return charts.map((chart, row) => lineChartSvg({ xTitle: title, opaque: true, ...chart }, { width, height }, palette).replace('<svg ', `<svg x="${column * width}" y="${row * height}" `));
  });
  const [w, h] = [width * Object.keys(results).length, 2 * height];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" aria-label="Time and memory of a step as its work grows">${parts.join('')}</svg>\n`;
}
