/**
 * `npm run bench`: milliseconds of one distillation step, captured, op by op, and in PyTorch (eager, compiled) where it can be
 * imported. All start from the same weights and see the same batch; their losses are compared before anything is timed, and they
 * take turns, so that a busy machine disturbs all alike. The last line of the output is one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine } from '../src/engine/backend.ts';
import { explainError } from '../src/errors.ts';
import { engineEnvironment } from '../src/launch/environment.ts';
import { cachedStep } from './cached.ts';
import { type BenchOptions, type ContenderName, readOptions, USAGE } from './options.ts';
import { partFunctions, timeParts, writePicture, type PartTimes } from './parts.ts';
import { relativeDifference, rounded, spreadOf } from './statistics.ts';
import { makeSubject, makeTeacher, type StepTime, type Subject, writeTwinFiles } from './subject.ts';
import { runSuite } from './suite.ts';
import { torchProblem, Twin } from './twin.ts';

/** Steps whose losses are compared; they also warm everybody up. */
const COMPARED = 3;
const TOLERANCE = 1e-3;

interface Contender {
  readonly name: ContenderName;
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
  if (options.suite) return runSuite(args.filter((arg) => arg !== '--suite'));
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
  say(`${options.student} learns from ${options.teacher} by ${options.method}, ${options.size.join(' × ')}, batch ${options.batch}, ${options.classes} classes, on ${engine.device}`);
  const teacher = makeTeacher(options);
  const begin = performance.now();
  const captured = makeSubject(options, teacher.detector, engine, true, options.parts > 0 ? partFunctions(options.size) : undefined);
  const captureSeconds = rounded((performance.now() - begin) / 1000);
  if (!captured.program.captured) say('notice: this backend cannot capture steps; "captured" runs op by op');
  const own = (name: ContenderName, step: () => StepTime): Contender => ({ name, run: (steps) => Promise.resolve(Array.from({ length: steps }, step)) });
  const contenders = [own('captured', captured.step)];
  if (options.contenders.includes('cached')) contenders.push(own('cached', cachedStep(options, options.cache, teacher.detector, engine)));
  if (options.contenders.includes('opByOp')) contenders.push(own('opByOp', makeSubject(options, teacher.detector, engine, false).step));

  const config = { ...await writeTwinFiles(folder, options, teacher, captured), threads: options.threads, device: options.device === 'cpu' ? 'cpu' : `cuda:${options.device}` };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const twins = await startTwins(options, folder);
  contenders.push(...twins.contenders);
  try {
    const agreement = await compareLosses(contenders);
    if (!agreement.agreed) {
      console.log(JSON.stringify({ error: 'the losses disagree; times would mean nothing', lossAgreement: agreement }));
      return 1;
    }
    const times = await takeTurns(contenders, options);
    const parts = options.parts === 0 ? undefined : await measureParts(captured, options, folder, twins.eager);
    console.log(JSON.stringify({
      ...summary(times), threads: options.threads, device: engine.device, pytorch: twins.told, sizes: sizesOf(options), steps: options.steps, rounds: (times.get('captured')?.length ?? 0) / options.steps,
      captureSeconds, peakMemory: { ours: process.resourceUsage().maxRSS * 1024, ...twins.peakMemory() }, ...(parts === undefined ? {} : { parts }), lossAgreement: agreement,
    }));
    return 0;
  } finally {
    for (const twin of twins.all) twin.close();
  }
}

interface Twins {
  readonly contenders: readonly Contender[];
  readonly all: readonly Twin[];
  readonly eager: Twin | undefined;
  /** By contender: what PyTorch it is, or why it was not measured. */
  readonly told: Readonly<Record<string, unknown>>;
  readonly peakMemory: () => Readonly<Record<string, number>>;
}

async function startTwins({ contenders: wanted, python }: BenchOptions, folder: string): Promise<Twins> {
  const modes = ([['pytorchEager', 'eager'], ['pytorchCompiled', 'compiled']] as const).filter(([name]) => wanted.includes(name));
  const problem = modes.length === 0 ? undefined : torchProblem(python);
  const [contenders, all, told, peaks]: [Contender[], Twin[], Record<string, unknown>, Record<string, number>] = [[], [], {}, {}];
  let eager: Twin | undefined;
  for (const [name, mode] of modes) {
    const started = problem ?? await Twin.start(python, folder, mode);
    if (typeof started === 'string') {
      told[name] = `not measured: ${started}`;
      say(`${name} is not measured: ${started}`);
      continue;
    }
    const { twin, ...about } = started;
    told[name] = about;
    all.push(twin);
    if (mode === 'eager') eager = twin;
    contenders.push({
      name,
      run: async (steps) => {
        const { milliseconds, cpu, losses, peakMemory } = await twin.run(steps);
        peaks[name] = peakMemory;
        return milliseconds.map((value, index) => ({ milliseconds: value, cpu: cpu[index] ?? NaN, losses: losses[index] ?? {} }));
      },
    });
  }
  return { contenders, all, eager, told, peakMemory: () => peaks };
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

type Times = ReadonlyMap<ContenderName, readonly StepTime[]>;

async function takeTurns(contenders: readonly Contender[], { rounds, steps, seconds }: BenchOptions): Promise<Times> {
  const times = new Map<ContenderName, StepTime[]>(contenders.map(({ name }) => [name, []]));
  const begin = performance.now();
  for (let round = 1; round <= rounds && (round <= 2 || performance.now() - begin < 1000 * seconds); round += 1) {
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

/** Medians in ms; what no function has by itself is the difference of two. */
async function measureParts(subject: Subject, options: BenchOptions, folder: string, twin: Twin | undefined) {
  const [ours, picture]: [PartTimes, Awaited<ReturnType<typeof writePicture>>] = [{}, await writePicture(folder)];
  const theirs: Record<string, number[]> = {};
  // The first round warms functions up that no step has run.
  for (let round = 0; round <= options.parts; round += 1) {
    await timeParts(subject, options, picture, round, round === 0 ? {} : ours);
    const once = (await twin?.parts(1)) ?? {};
    if (round > 0) for (const [name, values] of Object.entries(once)) (theirs[name] ??= []).push(...values);
  }
  const medians = (times: Readonly<Record<string, readonly number[]>>): Record<string, number> => Object.fromEntries(Object.entries(times).map(([name, values]) => [name, rounded(spreadOf(values).median)]));
  const losses = ({ withoutOptimizer = NaN, teacher = NaN, student = NaN }: Record<string, number>): number => rounded(withoutOptimizer - teacher - student);
  const captured = medians(ours);
  const pytorch = medians(theirs);
  const { step = NaN, withoutOptimizer = NaN } = captured;
  say(`parts, captured: ${Object.entries(captured).map(([name, value]) => `${name} ${value}`).join(', ')}`);
  return {
    captured: { ...captured, losses: losses(captured), optimizer: rounded(step - withoutOptimizer) },
    ...(twin === undefined ? {} : { pytorchEager: { ...pytorch, losses: losses(pytorch) } }),
  };
}

function summary(times: Times) {
  const spreads = new Map([...times].map(([name, steps]) => [name, spreadOf(steps.map(({ milliseconds }) => milliseconds))]));
  const median = (name: ContenderName): number | null => {
    const spread = spreads.get(name);
    return spread === undefined ? null : rounded(spread.median);
  };
  const ratio = (a: ContenderName, b: ContenderName): number | null => {
    const [top, bottom] = [median(a), median(b)];
    return top === null || bottom === null ? null : rounded(top / bottom);
  };
  return {
    captured: median('captured'), cached: median('cached'), opByOp: median('opByOp'), pytorchEager: median('pytorchEager'), pytorchCompiled: median('pytorchCompiled'),
    ratios: { capturedToPytorch: ratio('captured', 'pytorchEager'), cachedToPytorch: ratio('cached', 'pytorchEager'), cachedToCaptured: ratio('cached', 'captured'), capturedToCompiled: ratio('captured', 'pytorchCompiled'), opByOpToPytorch: ratio('opByOp', 'pytorchEager'), opByOpToCaptured: ratio('opByOp', 'captured') },
    minToMax: Object.fromEntries([...spreads].map(([name, { min, max }]) => [name, [rounded(min), rounded(max)]])),
    cpu: Object.fromEntries([...times].map(([name, steps]) => [name, rounded(spreadOf(steps.map(({ cpu }) => cpu)).median)])),
  };
}

function sizesOf({ size, batch, classes, teacher, student, norm, method }: BenchOptions) {
  return { size, batch, classes, teacher, student, norm, method };
}

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code; },
  (error: unknown) => {
    say(explainError(error));
    process.exitCode = 1;
  },
);
