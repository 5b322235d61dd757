/** What the doctor found, in the user's words, each with the fix that one click carries out. Pure: the translator is handed in. */
import { type Diagnosis } from '../firstSteps/diagnosis.ts';
import { type Translate } from './words.ts';

export type Fix =
  | { readonly do: 'setup' | 'setupAnew' | 'chooseNode' | 'freeDisk'; readonly label: string }
  /** A command for the user's own terminal: typed there, not sent. */
  | { readonly do: 'type'; readonly label: string; readonly command: string }
  /** A page of the documentation that comes with the extension. */
  | { readonly do: 'read'; readonly label: string; readonly page: string };

export interface Finding {
  readonly state: 'good' | 'notice' | 'problem';
  readonly title: string;
  readonly detail?: string | undefined;
  readonly fix?: Fix | undefined;
}

export interface Surroundings {
  /** Programs that install others, of those that are on this machine. */
  readonly installers: readonly string[];
  /** Whether the settings name a Node.js. */
  readonly ownNode: boolean;
}

/** What needs something done comes first. */
export function findingsOf(t: Translate, diagnosis: Diagnosis, surroundings: Surroundings): Finding[] {
  const advised = diagnosis.advice.map(({ id, text }) => advisedFinding(t, id, text, diagnosis, surroundings));
  return [...advised.filter(({ state }) => state === 'problem'), ...advised.filter(({ state }) => state !== 'problem'), ...facts(t, diagnosis, surroundings)];
}

/** The chosen Node.js does not start: nothing else can be known. */
export function nodeMissing(t: Translate, node: string, reason: string): Finding {
  return { state: 'problem', title: t('Node.js does not start: {0}', node), detail: reason, fix: chooseNode(t) };
}

function advisedFinding(t: Translate, id: string, text: string, diagnosis: Diagnosis, { installers }: Surroundings): Finding {
  const { tools, sharp, memory, disk, node, nvidia, failure, platform } = diagnosis;
  const read = (page: string): Fix => ({ do: 'read', label: t('Read More'), page });
  const broken = diagnosis.engines.find(({ problem }) => problem !== undefined);
  switch (id) {
    case 'start': return { state: 'problem', title: t('Nothing to compute with starts'), detail: failure, fix: read('engine.md') };
    case 'broken': return { state: 'problem', title: t('Native TensorFlow is there, but does not load'), detail: broken?.problem, fix: { do: 'setupAnew', label: t('Set Up Anew') } };
    case 'windows': return { state: 'notice', title: t('Native TensorFlow needs WSL on Windows'), detail: t('TensorFlow publishes no C library for Windows. Runs work here too, more slowly.'), fix: read('engine.md') };
    case 'tools': return { state: 'notice', title: t('Missing for native TensorFlow: {0}', missingTools(t, tools).join(', ')), detail: t('Runs are many times faster on it.'), fix: installFix(t, tools, platform, installers) ?? read('engine.md') };
    case 'setup': return { state: 'notice', title: t('Native TensorFlow is not set up'), detail: t('Runs are many times faster on it. It takes about a minute.'), fix: { do: 'setup', label: t('Setup Engine') } };
    case 'kernels': return { state: 'notice', title: t('Fast convolutions are not built'), detail: t('A step takes about half as long again without them.'), fix: { do: 'setup', label: t('Setup Engine') } };
    case 'cuda': return { state: 'notice', title: t('There is a GPU, but TensorFlow is set up for the CPU'), fix: { do: 'setup', label: t('Setup Engine') } };
    case 'hidden': return { state: 'notice', title: t('CUDA_VISIBLE_DEVICES=-1 hides the GPU'), detail: t('Unset it where the editor is started.') };
    case 'driver': return { state: 'notice', title: t('TensorFlow sees no GPU'), detail: t('The driver is {0}; CUDA 12 needs 525 or newer.', nvidia?.driver ?? '?'), fix: read('engine.md') };
    case 'images': return { state: 'problem', title: t('Images cannot be read'), detail: `${sharp?.split('\n')[0] ?? ''} ${t('Install the extension again for this platform.')}`.trim() };
    case 'memory': return { state: 'notice', title: t('Little memory: {0}', gigabytes(memory.total)), detail: t('Keep train.batch and data.size small.'), fix: read('performance.md') };
    case 'disk': return { state: 'problem', title: t('Little disk: {0} free', gigabytes(disk ?? 0)), detail: t('Checkpoints and masks of runs need room.'), fix: { do: 'freeDisk', label: t('Free Disk') } };
    case 'node': return { state: 'problem', title: t('Node.js {0} is too old: 20.9 or newer is needed', node), fix: chooseNode(t) };
    // Another version's advice: said as it came.
    default: return { state: 'notice', title: text };
  }
}

function facts(t: Translate, diagnosis: Diagnosis, { ownNode }: Surroundings): Finding[] {
  const { node, platform, used, memory, disk, nvidia, sharp, speed, engineFolder } = diagnosis;
  const good = (title: string, detail?: string, fix?: Fix): Finding => ({ state: 'good', title, detail, fix });
  return [
    ...(used === undefined ? [] : [good(t('Computes on {0}', used.device), speed === undefined ? used.notice : t('{0} GFLOP/s in a 3×3 convolution', speed.gflops.toFixed(speed.gflops < 10 ? 2 : 0)))]),
    ...(nvidia?.gpus ?? []).map(({ index, name }) => good(t('GPU {0}: {1}', index, name), t('driver {0}', nvidia?.driver ?? '?'))),
    ...(sharp === undefined ? [good(t('Images can be read'))] : []),
    good(t('Node.js {0}', node), ownNode ? t('{0}, chosen in the settings', platform) : t('{0}, the editor’s own', platform), ownNode ? chooseNode(t) : undefined),
    good(t('{0} of memory, {1} free', gigabytes(memory.total), gigabytes(memory.free)), disk === undefined ? undefined : t('{0} of disk free', gigabytes(disk))),
    good(t('Engine folder'), engineFolder),
  ];
}

function chooseNode(t: Translate): Fix {
  return { do: 'chooseNode', label: t('Choose Node.js') };
}

function missingTools(t: Translate, { python, pip, compiler }: Diagnosis['tools']): string[] {
  return [...(python === undefined ? [t('Python 3')] : []), ...(pip === undefined && python !== undefined ? ['pip'] : []), ...(compiler === undefined ? [t('a C++ compiler')] : [])];
}

/** Words before the names of Python's, pip's and the compiler's packages, then those three. */
const INSTALLERS: Readonly<Record<string, readonly [readonly string[], readonly [string, string, string]]>> = {
  'apt-get': [['install'], ['python3', 'python3-pip', 'g++']],
  dnf: [['install'], ['python3', 'python3-pip', 'gcc-c++']],
  pacman: [['-S'], ['python', 'python-pip', 'gcc']],
  zypper: [['install'], ['python3', 'python3-pip', 'gcc-c++']],
  apk: [['add'], ['python3', 'py3-pip', 'g++']],
};

/** Those that are looked for. */
export const INSTALLER_NAMES: readonly string[] = Object.keys(INSTALLERS);

function installFix(t: Translate, tools: Diagnosis['tools'], platform: string, installers: readonly string[]): Fix | undefined {
  const label = t('Type the Command');
  // Both come with Apple's command line tools.
  if (platform.startsWith('darwin')) return { do: 'type', label, command: ['xcode-select', '--install'].join(' ') };
  const [installer] = installers;
  const known = INSTALLERS[installer ?? ''];
  if (installer === undefined || known === undefined) return undefined;
  const [words, packages] = known;
  const present = [tools.python, tools.pip, tools.compiler];
  return { do: 'type', label, command: ['sudo', installer, ...words, ...packages.filter((_, index) => present[index] === undefined)].join(' ') };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
