/**
 * DeFeat: Distilling Object Detectors via Decoupled Features (Guo et al., CVPR 2021).
 * Letters as in `docs/methods/defeat.md`: S, T features, r the adapter, D = (r(S) − T)², M the cells of objects.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { relu } from '../engine/layers/activation.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { Parameters } from '../engine/parameters.ts';
import { defeatCard } from '../experiment/methods/defeat.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates } from './shared/assigned.ts';
import { backboneChannels } from './shared/backboneTaps.ts';
import { anchorClassParts, candidateSets, type HeadParts } from './defeatHead.ts';
import { nearestCells, objectMask } from './defeatMasks.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { hintAdapter } from './shared/hint.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { boxesAt } from './shared/ownLevel.ts';
import { decayFactor } from './shared/pace.ts';
import { collect, sameAnchors, sameClasses, sharing } from './shared/pairing.ts';

export type DefeatConfig = Extract<MethodConfig, { method: 'defeat' }>;

const STAGES = ['C3', 'C4', 'C5'] as const;

// Taps: every level of the pyramid, on request stages of the backbone, and with `head` the class logits of the student's own positives and negatives.

interface Tap {
  readonly level: MapLevel;
  readonly map: (outputs: DetectorOutputs) => tf.Tensor4D;
  readonly adapter: Layer;
}

/** D, [N, H, W, C]. */
function squaredError(teacher: DetectorOutputs, student: DetectorOutputs, { map, adapter }: Tap): tf.Tensor4D {
  const target = detached(() => tf.clone(map(teacher)));
  return tf.square(tf.sub<tf.Tensor4D>(adapter(map(student)), target));
}

// Adapters: a 3×3 convolution for each map, for those of the backbone followed by a rectifier.

function createTaps(parameters: Parameters, levels: readonly MapLevel[], { teacher, student }: DistillerContext): Tap[] {
  return levels.map((level, index) => ({
    level, map: ({ features }) => at(features, index), adapter: hintAdapter(parameters, `distill.defeat.${level.name}.align`, student.featureChannels, teacher.featureChannels),
  }));
}

/** Stages C3 … C5 have the cells of P3 … P5. */
function createStages(parameters: Parameters, levels: readonly MapLevel[], { stages, ...config }: DefeatConfig, { teacher, student }: DistillerContext): Tap[] {
  if (config.backboneForeground === 0 && config.backboneBackground === 0) return [];
  const [own, other] = [backboneChannels(student), backboneChannels(teacher)];
  return levels.slice(0, STAGES.length).flatMap((level, index): Tap[] => {
    const name = at(STAGES, index);
    if (!stages.includes(name)) return [];
    const conv = hintAdapter(parameters, `distill.defeat.${name}.align`, at(own, index + 1), at(other, index + 1));
    return [{ level: { ...level, name }, map: ({ backbone }) => at(backbone, index + 1), adapter: (x) => relu(conv(x)) }];
  });
}

// Loss: w_f L_fg + w_b L_bg (+ the same of the backbone) (+ w_cf L_cf + w_cb L_cb).

interface Halves { readonly foreground: tf.Scalar; readonly background: tf.Scalar }

/** Σ D·M / max(1, 2 C ΣM) and the same outside. */
function neckParts(error: tf.Tensor4D, mask: tf.Tensor): Halves {
  const channels = error.shape[3];
  const perCell = tf.sum(error, 3);
  const half = (weights: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.mul(perCell, weights)), tf.maximum(1, tf.mul(tf.sum(weights), 2 * channels)));
  return { foreground: half(mask), background: half(tf.sub(1, mask)) };
}

/** Over all levels together. */
function headParts(teacher: DetectorOutputs, student: DetectorOutputs, levels: readonly MapLevel[], classes: number, temperature: number, inputs: Inputs): HeadParts {
  const rows = ({ logits }: DetectorOutputs): tf.Tensor => tf.concat(logits.map((map) => asCandidates(map, classes)), 1);
  const set = (name: string): tf.Tensor => tf.concat(levels.map((level) => fed(inputs, `${name}.${level.name}`)), 1);
  return anchorClassParts(rows(student), detached(() => rows(teacher)), set('positives'), set('negatives'), temperature);
}

function maskInputs({ truth }: BatchTruth, levels: readonly MapLevel[], stages: readonly Tap[], { student }: DistillerContext): HostTensors {
  const boxes = truth.map((image) => image.boxes);
  const masks = levels.map((level, index) => [`mask.${level.name}`, level, objectMask(level, at(student.levels, index).stride, boxesAt(index, levels.length, boxes))] as const);
  // The backbone's masks have all objects, at the cells of the finest level, and are shrunk by taking the nearest cell.
  const finest = stages.length === 0 ? undefined : objectMask(at(levels, 0), at(student.levels, 0).stride, boxes);
  const shrunk = finest === undefined ? [] : stages.map(({ level }) => [`mask.${level.name}`, level, nearestCells(finest, at(levels, 0), level)] as const);
  return Object.fromEntries([...masks, ...shrunk].map(([name, { rows, columns }, mask]) => [name, float32([truth.length, rows, columns], mask)]));
}

// Pictures: the cells of objects, and where features differ on either side.

function levelPictures(teacher: DetectorOutputs, student: DetectorOutputs, tap: Tap, inputs: Inputs): Picture[] {
  const level = tap.level.name;
  const mask = fed(inputs, `mask.${level}`);
  const error = tf.mean(squaredError(teacher, student, tap), 3);
  return [
    { kind: 'objects', role: 'shared', level, values: mask },
    { kind: 'objectError', role: 'difference', level, values: tf.mul(error, mask) },
    { kind: 'backgroundError', role: 'difference', level, values: tf.mul(error, tf.sub(1, mask)) },
  ];
}

function create(config: DefeatConfig, context: DistillerContext): Distiller {
  const { student } = context;
  const parameters = new Parameters(context.random);
  const levels = mapLevels(student, context.inputSize);
  const taps = createTaps(parameters, levels, context);
  const stages = createStages(parameters, levels, config, context);
  return {
    id: 'defeat',
    parameters,
    inputs: (batch) => ({
      ...maskInputs(batch, levels, stages, context), decay: decayFactor(batch, config.decay),
      ...(config.head ? candidateSets(batch.assignments, levels, student.anchorsPerCell) : {}),
    }),
    loss: (teacher, own, inputs) => {
      const weighted = (loss: tf.Scalar, weight: number): tf.Scalar => tf.mul(tf.mul(loss, config.weight * weight), fed(inputs, 'decay'));
      const halves = (over: readonly Tap[], foreground: number, background: number): Halves => {
        const parts = over.map((tap) => neckParts(squaredError(teacher, own, tap), fed(inputs, `mask.${tap.level.name}`)));
        const sum = (part: keyof Halves, weight: number): tf.Scalar => weighted(tf.addN(parts.map((both) => both[part])), weight / over.length);
        return { foreground: sum('foreground', foreground), background: sum('background', background) };
      };
      const losses: Record<string, tf.Scalar> = { ...halves(taps, config.foreground, config.background) };
      if (stages.length > 0) {
        const backbone = halves(stages, config.backboneForeground, config.backboneBackground);
        Object.assign(losses, { backboneForeground: backbone.foreground, backboneBackground: backbone.background });
      }
      if (config.head) {
        const head = headParts(teacher, own, levels, student.classes.length, config.temperature, inputs);
        Object.assign(losses, { headForeground: weighted(head.foreground, config.headForeground), headBackground: weighted(head.background, config.headBackground) });
      }
      return losses;
    },
    pictures: (teacher, own, inputs) => [...taps, ...stages].flatMap((tap) => levelPictures(teacher, own, tap, inputs)),
  };
}

export const defeat: Method<DefeatConfig> = {
  ...defeatCard,
  pictures: {
    objects: { title: 'Object cells', form: 'map', caption: 'Cells inside the boxes that belong to this level. An object marks one level only; all others count it as background.' },
    objectError: { title: 'Object error', form: 'map', caption: 'Mean squared difference of the adapted student from the teacher over channels, inside the object cells.' },
    backgroundError: { title: 'Background error', form: 'map', caption: 'The same difference outside the object cells; it is averaged over its own area and has its own weight.' },
  },
  problems: (teacher, student, { head }) => collect(teacher, student, [...sharing(defeatCard), ...(head ? [sameClasses, sameAnchors] : [])]),
  create,
};
