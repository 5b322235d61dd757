/**
 * Peak memory and time to capture of one distillation step, beside PyTorch's peak for the same step. Linux only.
 *
 *   node benchmarks/memory.mjs [--size 512] [--batch 2] [--steps 3] [--python python3]
 *
 * Each is a process of its own: RetinaNet R50 teaches R18 by FGD, from the same weights on the same batch. `capture` is
 * recording and loading; the first of `stepSeconds` has TensorFlow's own optimisation of the graph in it. The last line is one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, load, withFolder } from './sources.mjs';

const { values } = parseArgs({ options: {
  size: { type: 'string', default: '512' }, batch: { type: 'string', default: '2' }, steps: { type: 'string', default: '3' },
  python: { type: 'string', default: process.env.DISTILL_LAB_PYTHON ?? 'python3' }, folder: { type: 'string' }, prepare: { type: 'boolean' },
} });
const threads = availableParallelism();
const side = Number(values.size);
const options = { size: [side, side], batch: Number(values.batch), steps: Number(values.steps), classes: 80, teacher: 'resnet50', student: 'resnet18', method: 'fgd', norm: 'batch', threads };

await withFolder(async (folder) => {
  if (values.folder !== undefined) {
    const { measureMemory, prepareMemory } = createRequire(import.meta.url)(await bundle(folder, 'benchmarks/memoryRun.ts', 'memoryRun'));
    const work = values.prepare === true ? prepareMemory : measureMemory;
    console.log(JSON.stringify(await work({ ...options, folder: values.folder }) ?? null));
    return;
  }
  const { engineEnvironment } = await load(folder, 'src/launch/environment.ts', 'environment');
  const environment = engineEnvironment({ cores: threads });
  lastLine(process.execPath, [...process.argv.slice(1), '--folder', folder, '--prepare'], environment);
  const captured = lastLine(process.execPath, [...process.argv.slice(1), '--folder', folder], environment);
  console.error(`captured: ${JSON.stringify(captured)}`);
  const script = join(dirname(fileURLToPath(import.meta.url)), 'pytorch', 'memory.py');
  const torch = spawnSync(values.python, ['-c', 'import torch']).status === 0 ? lastLine(values.python, ['-B', script, folder, values.steps], {}) : null;
  console.log(JSON.stringify({ size: side, batch: options.batch, threads, captured, pytorchEager: torch, peakToPytorch: torch === null ? null : Number((captured.megabytes.peak / torch.megabytes.peak).toPrecision(4)) }));
});

function lastLine(command, args, environment) {
  const { stdout, status } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
