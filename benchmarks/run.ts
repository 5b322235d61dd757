/**
 * `npm run bench`: milliseconds of one distillation step (RetinaNet, FGD), captured, op by op, and in eager PyTorch where it
 * can be imported. All start from the same weights and see the same batch; their losses are compared before anything is timed,
 * and they take turns, so that a busy machine disturbs all alike. The last line of the output is one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine } from '../src/engine/backend.ts';
import { explainError } from '../src/errors.ts';
import { engineEnvironment } from '../src/launch/environment.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { relativeDifference, rounded, spreadOf } from './statistics.ts';
import { makeSubject, makeTeacher, type StepTime, writeTwinFiles } from './subject.ts';
import { torchProblem, Twin } from './twin.ts';

/** Steps whose losses are compared; they also warm everybody up. */
const COMPARED = 3;
const TOLERANCE = 1e-3;

interface Contender {
  readonly name: 'captured' | 'opByOp' | 'pytorchEager';
  readonly run: (steps: number) => Promise<StepTime[]>;
}

/** The same environment as a run's child process has on that many cores; PyTorch gets as many threads. */
function environment({ threads }: BenchOptions): Record<string, string> {
  const count = String(threads);
  return { ...engineEnvironment({ cores: threads }), TF_NUM_INTEROP_THREADS: count, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const options = understood(args);
  if (typeof options === 'number') return options;
  // Memory settings are read when a process starts.
  if (process.env.DISTILL_LAB_BENCH !== '1') {
    const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, ...environment(options), DISTILL_LAB_BENCH: '1' } });
    return status ?? 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'distill-lab-bench-'));
  try {
    return await measure(options, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The options, or the exit code where there is nothing to measure. */
function understood(args: readonly string[]): BenchOptions | number {
  try {
    const options = readOptions(args);
    if (options !== undefined) return options;
    process.stdout.write(`${USAGE}\n`);
    return 0;
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}

async function measure(options: BenchOptions, folder: string): Promise<number> {
  const engine = await startEngine({ backend: 'auto', device: options.device });
  if (engine.notice !== undefined) say(`notice: ${engine.notice}`);
  say(`${options.student} learns from ${options.teacher} by FGD, ${options.size.join(' × ')}, batch ${options.batch}, ${options.classes} classes, on ${engine.device}`);
  const teacher = makeTeacher(options);
  const captured = makeSubject(options, teacher.detector, engine, true);
  if (!captured.program.captured) say('notice: this backend cannot capture steps; "captured" runs op by op');
  const direct = makeSubject(options, teacher.detector, engine, false);
  const own = (name: Contender['name'], step: () => StepTime): Contender => ({ name, run: (steps) => Promise.resolve(Array.from({ length: steps }, step)) });
  const contenders = [own('captured', captured.step), own('opByOp', direct.step)];

  const problem = torchProblem(options.python);
  let twin: Twin | undefined;
  let pytorch: Record<string, unknown> | string;
  if (problem !== undefined) {
    pytorch = `not measured: ${problem}`;
    say(`PyTorch is ${pytorch}`);
  } else {
    const config = { ...await writeTwinFiles(folder, options, teacher, captured), threads: options.threads, device: options.device === 'cpu' ? 'cpu' : `cuda:${options.device}` };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const started = await Twin.start(options.python, folder);
    const running = started.twin;
    twin = running;
    pytorch = { version: started.version, optimizer: started.optimizer, threads: started.threads };
    contenders.push({
      name: 'pytorchEager',
      run: async (steps) => {
        const { milliseconds, cpu, losses } = await running.run(steps);
        return milliseconds.map((value, index) => ({ milliseconds: value, cpu: cpu[index] ?? NaN, losses: losses[index] ?? {} }));
      },
    });
  }
  try {
    const agreement = await compareLosses(contenders);
    if (!agreement.agreed) {
      console.log(JSON.stringify({ error: 'the losses disagree; times would mean nothing', lossAgreement: agreement }));
      return 1;
    }
    const times = await takeTurns(contenders, options);
    console.log(JSON.stringify({ ...summary(times), threads: options.threads, device: engine.device, pytorch, sizes: sizesOf(options), steps: options.steps, rounds: options.rounds, lossAgreement: agreement }));
    return 0;
  } finally {
    twin?.close();
  }
}

async function compareLosses(contenders: readonly Contender[]) {
  const runs = new Map<string, StepTime[]>();
  for (const { name, run } of contenders) runs.set(name, await run(COMPARED));
  const reference = runs.get('captured') ?? [];
  const differences: Record<string, number> = {};
  for (const [name, steps] of runs) {
    if (name === 'captured') continue;
    differences[name] = rounded(Math.max(...steps.map(({ losses }, index) => relativeDifference(reference[index]?.losses ?? {}, losses))));
  }
  const agreed = Object.values(differences).every((difference) => difference <= TOLERANCE);
  for (const [name, steps] of runs) say(`losses, ${name}: ${steps.map(({ losses }) => (losses.total ?? NaN).toPrecision(7)).join(', ')}`);
  return { agreed, tolerance: TOLERANCE, steps: COMPARED, largestRelativeDifference: differences, ...(agreed ? { total: reference.map(({ losses }) => losses.total) } : { losses: Object.fromEntries([...runs].map(([name, steps]) => [name, steps.map(({ losses }) => losses)])) }) };
}

type Times = ReadonlyMap<Contender['name'], readonly StepTime[]>;

async function takeTurns(contenders: readonly Contender[], { rounds, steps }: BenchOptions): Promise<Times> {
  const times = new Map<Contender['name'], StepTime[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    const line: string[] = [];
    for (const { name, run } of contenders) {
      const done = await run(steps);
      times.get(name)?.push(...done);
      line.push(`${name} ${spreadOf(done.map(({ milliseconds }) => milliseconds)).median.toFixed(0)} ms`);
    }
    say(`round ${round}: ${line.join(', ')}`);
  }
  return times;
}

function summary(times: Times) {
  const spreads = new Map([...times].map(([name, steps]) => [name, spreadOf(steps.map(({ milliseconds }) => milliseconds))]));
  const median = (name: Contender['name']): number | null => {
    const spread = spreads.get(name);
    return spread === undefined ? null : rounded(spread.median);
  };
  const ratio = (a: Contender['name'], b: Contender['name']): number | null => {
    const [top, bottom] = [median(a), median(b)];
    return top === null || bottom === null ? null : rounded(top / bottom);
  };
  return {
    captured: median('captured'), opByOp: median('opByOp'), pytorchEager: median('pytorchEager'),
    ratios: { capturedToPytorch: ratio('captured', 'pytorchEager'), opByOpToPytorch: ratio('opByOp', 'pytorchEager'), opByOpToCaptured: ratio('opByOp', 'captured') },
    minToMax: Object.fromEntries([...spreads].map(([name, { min, max }]) => [name, [rounded(min), rounded(max)]])),
    cpu: Object.fromEntries([...times].map(([name, steps]) => [name, rounded(spreadOf(steps.map(({ cpu }) => cpu)).median)])),
  };
}

function sizesOf({ size, batch, classes, teacher, student, norm }: BenchOptions) {
  return { size, batch, classes, teacher, student, norm, method: 'fgd' };
}

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code; },
  (error: unknown) => {
    say(explainError(error));
    process.exitCode = 1;
  },
);
