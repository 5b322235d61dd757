/** What a cluster's node does before a run's child begins, in shell, and what becomes of what it lacks. Pure. */
import { DistillError } from '../errors.ts';

/** What a job ends with when it could not begin, and what that means. */
const NODE_TROUBLE: ReadonlyMap<number, string> = new Map([
  [66, 'The node does not see the run folder'],
  [67, 'The node has no Node.js at the path that the sweep was started with'],
  [68, 'The node does not see Distill Lab itself'],
]);

/** What a job ends with when the time of several in a row was over before a step was saved. */
export const TOO_SHORT = 69;

export interface OnNode {
  readonly folder: string;
  readonly argv: readonly string[];
}

export function quoted(text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`;
}

/** Lines of a script for any POSIX shell with `$folder`, `$node` and `$cli` set: after them the child's output goes to the run's own log. */
export const NODE_PREPARES: readonly string[] = [
  '[ -f "$folder/resolved.json" ] || exit 66',
  '[ -x "$node" ] || node=$(command -v node) || exit 67',
  '[ -f "$cli" ] || exit 68',
  'cd "$folder" || exit 66',
  'exec >>log.txt 2>&1 </dev/null',
  ...(process.versions.electron === undefined ? [] : ['export ELECTRON_RUN_AS_NODE=1']),
  'eval "$("$node" "$cli" child-environment)"',
];

/** A job of one run: signals reach the child itself. */
export function nodeScript({ folder, argv: [node = 'node', cli = ''] }: OnNode): string {
  return [
    `folder=${quoted(folder)}; node=${quoted(node)}; cli=${quoted(cli)}`,
    'echo "distill-lab: $folder on $(hostname); its own log is log.txt in there"',
    ...NODE_PREPARES,
    'exec "$node" "$cli" run-child "$folder"',
  ].join('\n');
}

/** @param exit what the job ended with. @param job for people: `Slurm job 12_3`. @returns undefined when another job may bring the run further. */
export function nodeTrouble(exit: number, node: string, job: string): DistillError | undefined {
  if (exit === TOO_SHORT) {
    return new DistillError('DL763', 'The time of a job is too short for this run: three in a row were over before they had saved a step.', {
      got: `${job} on ${node}`, advice: 'Give jobs more time (`launch.minutes`) or less of it for saving (`launch.grace`, in seconds), then start the sweep anew.',
    });
  }
  const trouble = NODE_TROUBLE.get(exit);
  return trouble === undefined ? undefined : new DistillError('DL762', `${trouble} (${node}).`, { got: `${job}, exit code ${exit}`, advice: 'Put runs, data and Distill Lab on a file system that client and nodes share, under the same path.' });
}
