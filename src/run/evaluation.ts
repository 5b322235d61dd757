/** Average precision of a network on the validation set. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { annotationsForEvaluation, validationExamples } from '../data/index.ts';
import { type DataSet } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { type Engine } from '../engine/backend.ts';
import { createProgram, type Program } from '../engine/program.ts';
import { evaluateCoco } from '../evaluation/coco.ts';
import { type Evaluation, type EvaluationDetection } from '../evaluation/types.ts';
import { evaluateVoc } from '../evaluation/voc.ts';
import { type Experiment } from '../experiment/schema.ts';
import { detect, inferenceFunction, toOriginal } from './infer.ts';

export interface EvaluationResult extends Evaluation {
  readonly seconds: number;
}

/** @param name of the program's inference function for this detector. @param onProgress may throw to end it early. */
export async function evaluate(program: Program, name: string, detector: Detector, dataSet: DataSet, { data, evaluate: { metric } }: Experiment, onProgress?: (done: number, total: number) => void): Promise<EvaluationResult> {
  const begin = performance.now();
  const detections: EvaluationDetection[] = [];
  let done = 0;
  for await (const { example, detections: found } of detect(program, name, detector, data.size, validationExamples(dataSet, data))) {
    for (const { box, label, score } of found) detections.push({ image: example.image.index, label, score, box: toOriginal(box, example.scale) });
    done += 1;
    onProgress?.(done, dataSet.images.length);
    // Networks run on this thread: signals are heard in between.
    await nextTurn();
  }
  const judge = metric === 'coco' ? evaluateCoco : evaluateVoc;
  return { ...judge(annotationsForEvaluation(dataSet), detections, dataSet.classes), seconds: (performance.now() - begin) / 1000 };
}

/** A network that is in no program yet, measured by one of its own. */
export async function evaluateAlone(detector: Detector, engine: Engine, dataSet: DataSet, experiment: Experiment, onProgress?: (done: number, total: number) => void): Promise<EvaluationResult> {
  const variables = detector.parameters.all().map(({ variable }) => variable);
  const program = createProgram({ engine, capture: experiment.engine.capture, variables, functions: { infer: inferenceFunction(detector, experiment.data.size) } });
  try {
    return await evaluate(program, 'infer', detector, dataSet, experiment, onProgress);
  } finally {
    program.dispose();
  }
}
