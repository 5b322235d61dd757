/** `distill-lab evaluate`: a weight file on the experiment's validation set. */
import { openDataSet } from '../data/index.ts';
import { type Experiment } from '../experiment/schema.ts';
import { evaluate, type EvaluationResult } from './evaluation.ts';
import { loadNetwork } from './network.ts';
import { resolvePath } from './paths.ts';

export interface EvaluateOptions {
  readonly experiment: Experiment;
  /** Relative paths of the experiment start here. */
  readonly baseFolder: string;
  /** Weight file; relative paths start at the working folder. */
  readonly weights: string;
  /** Whose section of the experiment describes the network. */
  readonly subject: 'student' | 'teacher';
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export async function evaluateWeights({ experiment, baseFolder, weights, subject, onProgress }: EvaluateOptions): Promise<EvaluationResult> {
  // The classes are the training set's where the experiment names none: the network's outputs are in their order.
  const classes = experiment.data.classes ?? [...(await openDataSet(experiment.data, 'train', { baseFolder })).classes];
  const validation = await openDataSet({ ...experiment.data, classes }, 'val', { baseFolder });
  const { detector, program } = await loadNetwork(experiment, subject, resolvePath(weights, process.cwd()), classes);
  try {
    return await evaluate(program, 'infer', detector, validation, experiment, onProgress);
  } finally {
    program.dispose();
  }
}
