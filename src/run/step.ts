/**
 * The functions of an arm's program: one training step, inference for evaluation, and the pictures.
 * All are pure functions of their inputs and the weights, as capture asks.
 */
import * as tf from '@tensorflow/tfjs';
import { inference, type Detector, type ForwardMode } from '../detectors/detector.ts';
import { type Distiller, type Picture } from '../distillers/distiller.ts';
import { type HostTensors } from '../engine/hostTensor.ts';
import { type Optimizer } from '../engine/optimizer.ts';
import { type StepFunction } from '../engine/program.ts';
import { type Assignment } from '../engine/updates.ts';

export interface Networks {
  readonly student: Detector;
  /** Absent in a plain training run and in the controls. */
  readonly teacher?: Detector | undefined;
  readonly distillers: readonly Distiller[];
}

/** Prefixes keep the inputs of targets and of each method apart: `target.classes`, `fgd.foreground.P3`. */
export function prefixed<T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
}

export function unprefixed<T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> {
  const start = `${prefix}.`;
  return Object.fromEntries(Object.entries(values).filter(([key]) => key.startsWith(start)).map(([key, value]) => [key.slice(start.length), value]));
}

/** Outputs: `loss.total`, `loss.detection.<part>`, `loss.<method>.<part>` (weighted; the parts sum to the total), `gradientNorm`. */
export function trainingStep({ student, teacher, distillers }: Networks, optimizer: Optimizer): StepFunction {
  const trained = [...student.parameters.trainable(), ...distillers.flatMap((distiller) => distiller.parameters.trainable())];
  return (inputs) => {
    const images = imagesOf(inputs);
    // Outside the gradient: no path leads to the teacher.
    const taught = distillers.length > 0 ? teacher?.forward(images, inference()) : undefined;
    const statistics: Assignment[] = [];
    let parts: Record<string, tf.Scalar> = {};
    const { value, grads } = tf.variableGrads(() => {
      const mode: ForwardMode = { training: true, updates: statistics };
      const outputs = student.forward(images, mode);
      parts = prefixed('detection', student.loss(outputs, unprefixed('target', inputs)));
      if (taught !== undefined) {
        for (const distiller of distillers) Object.assign(parts, prefixed(distiller.id, distiller.loss(taught, outputs, unprefixed(distiller.id, inputs))));
      }
      // Needed beyond the gradient's own scope; the program lets go of them.
      for (const kept of [...Object.values(parts), ...statistics.map(([, statistic]) => statistic)]) tf.keep(kept);
      return tf.addN(Object.values(parts));
    }, trained.map(({ variable }) => variable));
    const { updates, gradientNorm } = optimizer.apply(grads, inputs);
    return { outputs: { 'loss.total': value, ...prefixed('loss', parts), gradientNorm }, updates: [...updates, ...statistics] };
  };
}

/** Outputs: the detector's candidates for one batch of images. */
export function inferenceStep(detector: Detector): StepFunction {
  return (inputs) => ({ outputs: detector.candidates(detector.forward(imagesOf(inputs), inference())) });
}

export interface PictureStep {
  readonly run: StepFunction;
  /** What `picture.<index>` is; filled when the function has run (or been recorded). */
  readonly described: { readonly method: string; readonly picture: Omit<Picture, 'values'> }[];
}

/** Outputs: `student.<candidates>`, `teacher.<candidates>`, `picture.<index>`. */
export function pictureStep({ student, teacher, distillers }: Networks): PictureStep {
  const described: PictureStep['described'] = [];
  const run: StepFunction = (inputs) => {
    const images = imagesOf(inputs);
    const outputs = student.forward(images, inference());
    const results: Record<string, tf.Tensor> = prefixed('student', student.candidates(outputs));
    described.length = 0;
    if (teacher !== undefined) {
      const taught = teacher.forward(images, inference());
      Object.assign(results, prefixed('teacher', teacher.candidates(taught)));
      for (const distiller of distillers) {
        for (const { values, ...picture } of distiller.pictures(taught, outputs, unprefixed(distiller.id, inputs))) {
          results[`picture.${described.length}`] = values;
          described.push({ method: distiller.id, picture });
        }
      }
    }
    return { outputs: results };
  };
  return { run, described };
}

function imagesOf(inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor4D {
  const { images } = inputs;
  if (images?.rank !== 4) throw new Error('the step was not given images');
  return images as tf.Tensor4D;
}

/** What `trainingStep` reads for one batch, apart from the optimizer's own inputs. */
export function batchInputs(images: HostTensors[string], targets: HostTensors, methods: readonly (readonly [id: string, inputs: HostTensors])[]): HostTensors {
  return { images, ...prefixed('target', targets), ...Object.assign({}, ...methods.map(([id, inputs]) => prefixed(id, inputs))) as HostTensors };
}
