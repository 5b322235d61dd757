/**
 * The functions of an arm's program: one training step, inference for evaluation, and the pictures.
 * All are pure functions of their inputs and the weights, as capture asks.
 */
import * as tf from '@tensorflow/tfjs';
import { inference, type Detector, type DetectorOutputs, type ForwardMode } from '../detectors/detector.ts';
import { replicated } from '../detectors/replicated.ts';
import { type Distiller, type Picture, type StepTensors } from '../distillers/distiller.ts';
import { type Optimizer } from '../engine/optimizer.ts';
import { type Parameter } from '../engine/parameters.ts';
import { type StepFunction } from '../engine/program.ts';
import { type Assignment } from '../engine/updates.ts';
import { inTheStep, type TeacherForward } from './fedOutputs.ts';

export interface Networks {
  readonly student: Detector;
  /** Absent in a plain training run, in the controls and where no method needs one. */
  readonly teacher?: Detector | undefined;
  /** Where several teach at once: the teacher of each method's copy that is not `teacher`. */
  readonly teacherOf?: ReadonlyMap<Distiller, Detector>;
  readonly distillers: readonly Distiller[];
}

/** Every teacher once. */
export function teachersIn({ teacher, teacherOf }: Networks): Detector[] {
  return [...new Set([...(teacher === undefined ? [] : [teacher]), ...(teacherOf?.values() ?? [])])];
}

/** Outputs of each method's teacher, every network seen once; without a teacher what `own` is. */
function lessons(networks: Networks, images: tf.Tensor4D, inputs: Readonly<Record<string, tf.Tensor>>, forward: TeacherForward): (distiller: Distiller, own: DetectorOutputs) => DetectorOutputs {
  const outputs = new Map(networks.distillers.length === 0 ? [] : teachersIn(networks).map((teacher, place) => [teacher, forward(teacher, images, inputs, place)]));
  return (distiller, own) => {
    const teacher = networks.teacherOf?.get(distiller) ?? networks.teacher;
    return (teacher === undefined ? undefined : outputs.get(teacher)) ?? own;
  };
}

/** The same networks, each taking a batch in as many equal parts. */
export function withReplicas(networks: Networks, parts: number): Networks {
  if (parts === 1) return networks;
  const split = new Map(teachersIn(networks).map((teacher) => [teacher, replicated(teacher, parts)]));
  const teacherOf = networks.teacherOf === undefined ? undefined : new Map([...networks.teacherOf].map(([distiller, teacher]) => [distiller, split.get(teacher) ?? teacher]));
  return {
    ...networks,
    student: replicated(networks.student, parts),
    teacher: networks.teacher === undefined ? undefined : split.get(networks.teacher),
    ...(teacherOf === undefined ? {} : { teacherOf }),
  };
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
export function trainingStep(networks: Networks, optimizer: Optimizer, forward: TeacherForward = inTheStep): StepFunction {
  const { student, distillers } = networks;
  const trained = [...student.parameters.trainable(), ...distillers.flatMap((distiller) => distiller.parameters.trainable())];
  return (inputs) => {
    const images = imagesOf(inputs);
    // Outside the gradient: no path leads to the teacher.
    const taught = lessons(networks, images, inputs, forward);
    const targets = unprefixed('target', inputs);
    const detects = !distillers.some(({ replacesDetection }) => replacesDetection === true);
    const statistics: Assignment[] = [];
    let parts: Record<string, tf.Scalar> = {};
    const { value, grads } = tf.variableGrads(() => {
      const mode: ForwardMode = { training: true, updates: statistics };
      const outputs = student.forward(images, mode);
      parts = detects ? prefixed('detection', student.loss(outputs, targets)) : {};
      for (const distiller of distillers) {
        Object.assign(parts, prefixed(distiller.id, distiller.loss(taught(distiller, outputs), outputs, unprefixed(distiller.id, inputs), { images, targets, mode })));
      }
      // Needed beyond the gradient's own scope; the program lets go of them.
      for (const kept of [...Object.values(parts), ...statistics.map(([, statistic]) => statistic)]) tf.keep(kept);
      return tf.addN(Object.values(parts));
    }, trained.map(({ variable }) => variable));
    const scales = distillers.flatMap((distiller) => distiller.gradientScales?.(unprefixed(distiller.id, inputs)) ?? []);
    const factors = new Map(trained.map((parameter) => [parameter.variable.name, factorOf(parameter, scales)]));
    const gradients = Object.fromEntries(Object.entries(grads).map(([name, gradient]) => {
      const factor = factors.get(name);
      return [name, factor === undefined ? gradient : tf.mul(gradient, factor)];
    }));
    const { updates, gradientNorm } = optimizer.apply(gradients, inputs, ({ variable }) => {
      const factor = factors.get(variable.name);
      return factor === undefined ? undefined : tf.sign(factor);
    });
    return { outputs: { 'loss.total': value, ...prefixed('loss', parts), gradientNorm }, updates: [...updates, ...statistics] };
  };
}

type GradientScale = ReturnType<NonNullable<Distiller['gradientScales']>>[number];

/** The product of all factors that a weight's gradient gets; undefined for none. */
function factorOf({ name }: Parameter, scales: readonly GradientScale[]): tf.Scalar | undefined {
  const factors = scales.filter(({ prefix }) => name.startsWith(prefix)).map(({ factor }) => factor);
  return factors.length === 0 ? undefined : factors.reduce((product, factor) => tf.mul(product, factor));
}

/**
 * What the methods that ask for it see before the step, by the inputs `images`, `target.…` and `<method>.…`; no weight is changed.
 * Outputs: `<method>.<name>`.
 */
export function observationStep(networks: Networks, training: boolean, forward: TeacherForward = inTheStep): StepFunction {
  const { student, distillers } = networks;
  return (inputs) => {
    const images = imagesOf(inputs);
    // As in the step to come: batch norm by the batch in training, but its statistics stay as they are.
    const mode: ForwardMode = { training, updates: [] };
    const outputs = student.forward(images, mode);
    const taught = lessons(networks, images, inputs, forward);
    const step: StepTensors = { images, targets: unprefixed('target', inputs), mode };
    const seen = distillers.flatMap((distiller) => Object.entries(prefixed(distiller.id, distiller.observe?.run(taught(distiller, outputs), outputs, unprefixed(distiller.id, inputs), step) ?? {})));
    return { outputs: Object.fromEntries(seen) };
  };
}

/** Whether any method looks at predictions before the step. */
export function observes({ distillers }: Networks): boolean {
  return distillers.some(({ observe }) => observe !== undefined);
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
export function pictureStep(networks: Networks): PictureStep {
  const { student, teacher, distillers } = networks;
  const described: PictureStep['described'] = [];
  const run: StepFunction = (inputs) => {
    const images = imagesOf(inputs);
    const outputs = student.forward(images, inference());
    const results: Record<string, tf.Tensor> = prefixed('student', student.candidates(outputs));
    described.length = 0;
    const taught = lessons(networks, images, inputs, inTheStep);
    const first = distillers.find((distiller) => (networks.teacherOf?.get(distiller) ?? teacher) === teacher);
    if (teacher !== undefined && first !== undefined) Object.assign(results, prefixed('teacher', teacher.candidates(taught(first, outputs))));
    const step: StepTensors = { images, targets: unprefixed('target', inputs), mode: inference() };
    for (const distiller of distillers) {
      for (const { values, ...picture } of distiller.pictures(taught(distiller, outputs), outputs, unprefixed(distiller.id, inputs), step)) {
        results[`picture.${described.length}`] = values;
        described.push({ method: distiller.id, picture });
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
