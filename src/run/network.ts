/** A trained network outside a run: for `evaluate`, `predict` and the check of an export. */
import { type Detector } from '../detectors/detector.ts';
import { loadStateDict } from '../detectors/stateDict.ts';
import { createDetector } from '../detectors/table.ts';
import { startEngine } from '../engine/backend.ts';
import { createProgram, type Program } from '../engine/program.ts';
import { Random } from '../engine/random.ts';
import { readWeights } from '../engine/weights/read.ts';
import { DistillError } from '../errors.ts';
import { type Experiment } from '../experiment/schema.ts';
import { teachersOf } from '../experiment/teachers.ts';
import { inferenceFunction } from './infer.ts';

export interface LoadedNetwork {
  readonly detector: Detector;
  /** With one function, `infer`. */
  readonly program: Program;
}

/**
 * @param subject whose section of the experiment describes the network.
 * @param weights path of the file, already resolved.
 * @throws DistillError DL505 when the file lacks tensors of the network.
 */
export async function loadNetwork(experiment: Experiment, subject: 'student' | 'teacher', weights: string, classes: readonly string[]): Promise<LoadedNetwork> {
  const config = subject === 'student' ? experiment.student : teachersOf(experiment)[0];
  if (config === undefined) throw new DistillError('DL505', `The experiment has no ${subject}.`, { key: [], advice: `Add a \`${subject}\` section, or ask for the other network.` });
  const { backend, device, capture, convolutions } = experiment.engine;
  const engine = await startEngine({ backend, device, convolutions });
  const detector = createDetector(config, { classes, random: Random.of(0), evaluation: experiment.evaluate });
  const { missing } = loadStateDict(detector, await readWeights(weights), { strict: false });
  if (missing.length > 0) {
    throw new DistillError('DL505', `The file lacks ${missing.length} tensors of the network.`, {
      where: { file: weights }, expected: missing.slice(0, 5).join(', '), advice: `Give the weights of a whole ${config.detector} with backbone ${config.backbone}; a backbone alone predicts nothing.`,
    });
  }
  const variables = detector.parameters.all().map(({ variable }) => variable);
  const program = createProgram({ engine, capture, variables, functions: { infer: inferenceFunction(detector, experiment.data.size) } });
  return { detector, program };
}
