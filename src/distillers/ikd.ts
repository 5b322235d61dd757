/**
 * IKD: Exploring Inconsistent Knowledge Distillation for Object Detection with Data Augmentation (Liang et al., ACM MM 2023), its
 * adversarial feature augmentation. Letters as in `docs/methods/ikd.md`: x the image, x′ the adversarial one, s and t features on x′.
 */
import * as tf from '@tensorflow/tfjs';
import { inference, type DetectorOutputs, type ForwardMode } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { absolute } from '../engine/ops/absolute.ts';
import { detached } from '../engine/ops/gradient.ts';
import { placeDivergence, placeLogSoftmax } from '../engine/ops/placeSoftmax.ts';
import { meanSquare, sumOfSquares } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { Random } from '../engine/random.ts';
import { ikdCard } from '../experiment/methods/ikd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignmentIfNeeded } from './shared/align.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture, type StepTensors } from './distiller.ts';
import { attackStart, attackStep, diversified, diversityInputs } from './ikdAttack.ts';
import { asPlaces, at, fed, mapLevels } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type IkdConfig = Extract<MethodConfig, { method: 'ikd' }>;

/** In 255ths. */
const SHADES = 255;

// Taps: the output of every pyramid level of both networks, on adversarial images that are made before the step.

interface Tap {
  readonly student: tf.Tensor4D;
  readonly teacher: tf.Tensor4D;
}

/** x′, made against the teacher with its own targets. */
function adversaries({ networks }: DistillerContext, config: IkdConfig): NonNullable<Distiller['observe']> {
  const teacher = networks?.teacher;
  const { steps, diversity, shrink } = config;
  const form = { epsilon: config.epsilon / SHADES, step: config.step / SHADES, momentum: config.momentum };
  return {
    inputs: ({ truth, inputSize, random = Random.of(0) }) => ({
      ...Object.fromEntries(Object.entries(teacher?.targets(truth, inputSize).tensors ?? {}).map(([name, tensor]) => [`target.${name}`, tensor])),
      ...(diversity > 0 ? diversityInputs(inputSize, steps, diversity, shrink, random) : {}),
    }),
    run: (_, __, inputs, { images }) => {
      const targets = Object.fromEntries(Object.entries(inputs).filter(([name]) => name.startsWith('target.')).map(([name, tensor]) => [name.slice('target.'.length), tensor]));
      let state = attackStart(images);
      for (let step = 0; step < steps && teacher !== undefined; step += 1) {
        const risk = tf.grad((x: tf.Tensor) => {
          const shown = diversity > 0 ? diversified(x as tf.Tensor4D, matrixOf(inputs, 'rows', step), matrixOf(inputs, 'columns', step)) : x as tf.Tensor4D;
          return tf.neg(fed(teacher.loss(teacher.forward(shown, inference()), targets), 'classification'));
        });
        state = attackStep(images, state, risk(state.images) as tf.Tensor4D, form);
      }
      return { images: state.images };
    },
  };
}

function matrixOf(inputs: Inputs, name: string, step: number): tf.Tensor3D {
  const all = fed(inputs, name);
  return tf.slice(all, [step, 0, 0], [1, -1, -1]) as tf.Tensor3D;
}

// Adapters: a 1×1 convolution of the student's features where widths differ.

// Loss: α Σ over levels of the summed difference of s and t / N.

function levelLoss({ student, teacher }: Tap, { loss, temperature }: IkdConfig): tf.Scalar {
  const batch = student.shape[0];
  if (loss === 'cwd') {
    const scaled = (map: tf.Tensor4D): tf.Tensor3D => tf.mul(asPlaces(map), 1 / temperature);
    const target = detached(() => placeLogSoftmax(scaled(teacher)));
    return tf.mul(tf.sum<tf.Scalar>(placeDivergence(scaled(student), target)), temperature ** 2 / (batch * student.shape[3]));
  }
  const difference = tf.sub<tf.Tensor4D>(student, teacher);
  return tf.mul(loss === 'mse' ? sumOfSquares(difference) : tf.sum<tf.Scalar>(absolute(difference)), 1 / batch);
}

function scheduleInput({ step, steps }: BatchTruth, until: number): HostTensors {
  const done = step === undefined || steps === undefined ? 0 : step / steps;
  return { counts: float32([], Float32Array.of(step === undefined || done < until ? 1 : 0)) };
}

// Pictures: where the image was changed, and where the two networks differ on it.

function create(config: IkdConfig, context: DistillerContext): Distiller {
  const { teacher: teacherTraits, student: studentTraits, inputSize, networks } = context;
  const levels = mapLevels(studentTraits, inputSize);
  const parameters = new Parameters(context.random);
  const aligns = levels.map(({ name }): Layer => alignmentIfNeeded(parameters, `distill.ikd.${name}.align`, studentTraits.featureChannels, teacherTraits.featureChannels));
  /** Without networks (tests) what is given are the outputs on x′ already. */
  const tap = (teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs, mode: ForwardMode): Tap[] => {
    const images = inputs.images as tf.Tensor4D | undefined;
    const [own, other] = images === undefined ? [student, teacher] : [networks?.student.forward(images, mode) ?? student, networks?.teacher?.forward(images, inference()) ?? teacher];
    return levels.map((_, index) => ({ student: at(aligns, index)(at(own.features, index)), teacher: detached(() => tf.clone(at(other.features, index))) }));
  };
  const changes = (inputs: Inputs, { images }: StepTensors): tf.Tensor =>
    inputs.images === undefined ? tf.zeros(images.shape.slice(0, 3)) : tf.mean(tf.abs(tf.sub(inputs.images, images)), 3);
  return {
    id: 'ikd',
    parameters,
    ...(networks === undefined ? {} : { observe: adversaries(context, config) }),
    inputs: (batch, observed) => ({ ...scheduleInput(batch, config.until), ...(observed.images === undefined ? {} : { images: observed.images }) }),
    loss: (teacher, student, inputs, { mode }) => {
      const sum = tf.addN(tap(teacher, student, inputs, mode).map((level) => levelLoss(level, config)));
      return { adversarial: tf.mul(tf.mul<tf.Scalar>(sum, config.weight), fed(inputs, 'counts')) };
    },
    pictures: (teacher, student, inputs, step) => [
      { kind: 'change', role: 'shared', level: 'all', values: changes(inputs, step) },
      ...tap(teacher, student, inputs, inference()).map((level, index): Picture => (
        { kind: 'difference', role: 'difference', level: at(levels, index).name, values: meanSquare(tf.sub(level.student, level.teacher)) })),
    ],
  };
}

export const ikd: Method<IkdConfig> = {
  ...ikdCard,
  pictures: {
    change: { title: 'Adversarial change', form: 'map', caption: 'How far each pixel was moved to mislead the teacher, mean over the three channels, in normalised values. The same scale would hardly show on the image itself.' },
    difference: { title: 'Difference under attack', form: 'map', caption: 'Squared difference of the two networks\' features on the adversarial image, mean over channels: the student is to be misled as the teacher is.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(ikdCard)),
  create,
};
