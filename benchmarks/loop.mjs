/**
 * What the training loop costs beside its steps: an epoch's wall time over steps × step time.
 *
 *   node benchmarks/loop.mjs [--only scenes|bccd] [--epochs 2] [--alone 60]
 *
 * Runs the demo's experiment (and BCCD's, where BCCD_ROOT names the folder) for some epochs, evaluation and controls left out, all
 * else as it is: data thread, events, pictures. The step is timed by itself too, before and after, on one batch. Each epoch's
 * line says milliseconds a step: all of it, and of it the program, the wait for data, targets and masks, events, pictures. The last
 * line is one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, load, withFolder } from './sources.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' }, epochs: { type: 'string', default: '2' }, alone: { type: 'string', default: '60' } } });
const examples = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples');
const EXPERIMENTS = { scenes: { file: 'scenes-fgd.distill.yaml', wanted: true }, bccd: { file: 'bccd-fgd.distill.yaml', wanted: process.env.BCCD_ROOT !== undefined, classes: ['RBC', 'WBC', 'Platelets'] } };
const chosen = Object.entries(EXPERIMENTS).filter(([name, { wanted }]) => (values.only === undefined ? wanted : name === values.only));

await withFolder(async (folder) => {
  // Threads and memory settings are read when a process starts: those of a run's child.
  if (process.env.DISTILL_LAB_BENCH !== '1') {
    const { engineEnvironment } = await load(folder, 'src/launch/environment.ts', 'environment');
    process.exitCode = spawnSync(process.execPath, process.argv.slice(1), { stdio: 'inherit', env: { ...process.env, ...engineEnvironment(), DISTILL_LAB_BENCH: '1' } }).status ?? 1;
    return;
  }
  await bundle(folder, 'src/data/loaderWorker.ts', 'loader');
  const { measureLoop, writeTeacher } = createRequire(import.meta.url)(await bundle(folder, 'benchmarks/loopRun.ts', 'loopRun'));
  // The data thread's bundle is looked for beside the running one.
  const results = {};
  for (const [name, { file, classes }] of chosen) {
    const path = join(examples, file);
    const weights = join(folder, `${name}.safetensors`);
    if (classes !== undefined) await writeTeacher(weights, classes);
    const runFolder = join(folder, `run-${name}`);
    await mkdir(runFolder);
    results[name] = await measureLoop({ text: await readFile(path, 'utf8'), file: path, overrides: classes === undefined ? [] : [`teacher.weights=${weights}`], folder: runFolder, epochs: Number(values.epochs), alone: Number(values.alone) });
    for (const [index, { overStep, processorOverStep, ...parts }] of results[name].epochs.entries()) {
      console.error(`${name}, epoch ${index + 1} of ${results[name].stepsPerEpoch} steps: ${overStep.toFixed(3)} times the step's ${results[name].step} ms, processor time ${processorOverStep.toFixed(3)} times; ${Object.entries(parts).map(([part, value]) => `${part} ${value}`).join(', ')}`);
    }
  }
  console.log(JSON.stringify(results));
});
