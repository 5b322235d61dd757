/**
 * What a child process that trains should find in its environment. Imports nothing of ours, so that the launcher may use it
 * without touching the engine.
 */
import { availableParallelism } from 'node:os';

/** What is read of the surroundings; the defaults are this process's own. */
export interface Surroundings {
  readonly platform?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cores?: number;
}

/** Up to so many cores, TensorFlow runs each op on one thread and spreads the ops of a step over the cores. */
const ONE_THREAD_AN_OP = 2;

/**
 * Variables to add to the child's environment. What the user has set already is never overridden.
 *
 * - `TF_CPP_MIN_LOG_LEVEL`: TensorFlow's own chatter would drown the log; its errors still come through.
 * - `MALLOC_*` (glibc only): a step frees and takes the same large blocks again; keeping them instead of handing them
 *   back to the kernel each time made steps 10 to 20 % faster. One heap a core: with a single one the threads of a small
 *   step wait for its lock (a fifth of the step), and more of them only hold more memory (`docs/performance.md`).
 * - `TF_NUM_INTRAOP_THREADS` (few cores): a captured step has enough ops that do not wait for each other to keep two cores
 *   busy; splitting each of them between the cores cost more than it brought (`docs/performance.md`).
 *
 * CUDA's libraries need nothing here: TensorFlow finds them by their place beside it (see `docs/engine.md`).
 */
export function engineEnvironment({ platform = process.platform, env = process.env, cores = availableParallelism() }: Surroundings = {}): Record<string, string> {
  const wanted: Record<string, string> = {
    TF_CPP_MIN_LOG_LEVEL: '2',
    ...(platform === 'linux'
      ? { MALLOC_ARENA_MAX: `${cores}`, MALLOC_MMAP_THRESHOLD_: '1073741824', MALLOC_TRIM_THRESHOLD_: '8589934592' }
      : {}),
    ...(cores <= ONE_THREAD_AN_OP ? { TF_NUM_INTRAOP_THREADS: '1' } : {}),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => env[name] === undefined));
}
