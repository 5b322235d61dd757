/** What the doctor says: advice from the facts, and the whole as text. */
import { type Diagnosis, type EngineFinding } from './doctor.ts';
import { loadAdvice } from './native/loadAdvice.ts';

export type Facts = Omit<Diagnosis, 'advice'>;

/** What it is about, for those who can do it with one click; the text says it for a terminal. */
export type AdviceId = 'start' | 'broken' | 'windows' | 'tools' | 'setup' | 'kernels' | 'cuda' | 'hidden' | 'driver' | 'images' | 'memory' | 'disk' | 'node';

export interface Advice {
  readonly id: AdviceId;
  readonly text: string;
}

/** Bytes that a set-up, or a long run, can use up. */
const LITTLE_DISK = 2e9;

/** Most useful first; empty when all is well. */
export function adviceFor(facts: Facts): Advice[] {
  return [...engineAdvice(facts), ...gpuAdvice(facts), ...machineAdvice(facts)];
}

function engineAdvice({ used, failure, engines, tools, platform, fastConvolutions }: Facts): Advice[] {
  const advice: Advice[] = [];
  if (used === undefined) advice.push({ id: 'start', text: `No backend starts: ${failure ?? 'no reason was given'}` });
  if (used?.backend === 'tensorflow') {
    const compiler = tools.compiler === undefined ? 'Install a C++ compiler, then run' : 'Run';
    return fastConvolutions === false ? [{ id: 'kernels', text: `${compiler} \`distill-lab setup\`: fast convolutions are not built for this version yet, and a step takes about half as long again without them.` }] : advice;
  }
  for (const { addon, problem } of engines) {
    if (problem !== undefined) advice.push({ id: 'broken', text: `${addon} does not load (${problem}). ${loadAdvice(problem)}` });
  }
  if (platform.startsWith('win32')) return [...advice, { id: 'windows', text: 'For native TensorFlow use WSL 2 (Linux inside Windows): TensorFlow publishes no C library for Windows.' }];
  const missing = [
    ...(tools.python === undefined ? ['Python 3'] : []),
    ...(tools.python !== undefined && tools.pip === undefined ? ['pip'] : []),
    ...(tools.compiler === undefined ? ['a C++ compiler'] : []),
  ];
  const first = missing.length === 0 ? '' : `install ${missing.join(' and ')} (Debian, Ubuntu: \`sudo apt install python3 python3-pip g++\`), then `;
  return [...advice, { id: missing.length === 0 ? 'setup' : 'tools', text: capitalized(`${first}run \`distill-lab setup\` for native TensorFlow: training is many times faster on it.`) }];
}

function gpuAdvice({ used, usesGpu, nvidia, engines }: Facts): Advice[] {
  if (nvidia === undefined || usesGpu || used?.backend === 'webgpu') return [];
  const cuda = engines.find(({ flavour }) => flavour === 'cuda');
  if (cuda === undefined) return [{ id: 'cuda', text: 'An NVIDIA driver is there, but the CUDA build of TensorFlow is not: run `distill-lab setup`.' }];
  if (process.env.CUDA_VISIBLE_DEVICES === '-1') return [{ id: 'hidden', text: '`CUDA_VISIBLE_DEVICES=-1` hides the GPU: unset it to use it.' }];
  return [{ id: 'driver', text: `The CUDA build is set up, but TensorFlow sees no GPU (driver ${nvidia.driver}): CUDA 12 needs driver 525 or newer. \`TF_CPP_MIN_LOG_LEVEL=0 distill-lab doctor\` shows what TensorFlow says.` }];
}

function machineAdvice({ sharp, memory, disk, node }: Facts): Advice[] {
  const advice: Advice[] = [];
  if (sharp !== undefined) advice.push({ id: 'images', text: `Images cannot be read (${sharp.split('\n')[0] ?? ''}): install Distill Lab again for this platform; from its sources \`npm ci\`.` });
  if (memory.total < 4e9) advice.push({ id: 'memory', text: `This machine has ${gigabytes(memory.total)} of memory: keep \`train.batch\` and \`data.size\` small.` });
  if (disk !== undefined && disk < LITTLE_DISK) advice.push({ id: 'disk', text: `${gigabytes(disk)} of disk are free here: checkpoints and masks of runs need room, and a set-up 1.5 GB.` });
  if (Number(/^v(\d+)/.exec(node)?.[1] ?? 20) < 20) advice.push({ id: 'node', text: `Node ${node} is too old: 20.9 or newer is needed.` });
  return advice;
}

/** For a terminal: a fact a line, then what to do. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { node, platform, used, failure, engines, nvidia, tools, memory, disk, sharp, speed, advice, fastConvolutions } = diagnosis;
  const rows: (readonly [string, string])[] = [
    ['Node', `${node}, ${platform}`],
    ['Memory', `${gigabytes(memory.total)}, ${gigabytes(memory.free)} free`],
    ...(disk === undefined ? [] : [['Disk', `${gigabytes(disk)} free here`] as const]),
    ['Backend', used === undefined ? `none: ${failure ?? ''}` : `${used.backend} on ${used.device}`],
    ...(used?.notice === undefined ? [] : [['', used.notice] as const]),
    ...(fastConvolutions === undefined ? [] : [['Convolutions', fastConvolutions ? 'fast (as matrix products)' : 'direct: fast ones are not built'] as const]),
    ['Speed', speed === undefined ? 'not measured' : `${speed.gflops.toFixed(speed.gflops < 10 ? 2 : 0)} GFLOP/s in a 3×3 convolution (${speed.milliseconds.toFixed(1)} ms each)`],
    ['Engine folder', diagnosis.engineFolder],
    ...(engines.length === 0 ? [['Engines', 'none found'] as const] : engines.map((engine, index) => [index === 0 ? 'Engines' : '', describe(engine)] as const)),
    ['NVIDIA', nvidia === undefined ? 'no driver found' : `driver ${nvidia.driver}`],
    ...(nvidia?.gpus ?? []).map(({ index, name, memory: size }) => ['', `GPU ${index}: ${name}, ${gigabytes(size * 2 ** 20)}`] as const),
    ['Python', [tools.python ?? 'not found', tools.pip ?? 'no pip'].join(', ')],
    ['C++ compiler', tools.compiler ?? 'not found'],
    ['Images (sharp)', sharp ?? 'ok'],
  ];
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  const lines = rows.map(([title, text]) => `${title.padEnd(width)}${text}`);
  const advised = advice.length === 0 ? ['All is well.'] : ['What to do:', ...advice.map(({ text }, index) => `${index + 1}. ${text}`)];
  return [...lines, '', ...advised].join('\n');
}

function describe({ addon, source, flavour, tensorflow, problem }: EngineFinding): string {
  const title = [tensorflow === undefined ? 'TensorFlow' : `TensorFlow ${tensorflow}`, ...(flavour === undefined ? [] : [flavour]), `from ${source === 'npm' ? 'npm’s installer' : 'the engine folder'}`].join(', ');
  return `${title}${problem === undefined ? '' : `, does not load: ${problem}`} (${addon})`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
