/**
 * GID: General Instance Distillation for Object Detection (Dai et al., CVPR 2021).
 * Letters as in `docs/methods/gid.md`: o scores, M instances of the batch, R their region features, D distances between them.
 */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding, type DetectorOutputs } from '../detectors/detector.ts';
import { float32, type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { pytorchBias } from '../engine/layers/init.ts';
import { detached } from '../engine/ops/gradient.ts';
import { fpnLevel, pooledRegions, regionInputs, type RegionLayout } from '../engine/ops/roiAlign.ts';
import { Parameters } from '../engine/parameters.ts';
import { gidCard } from '../experiment/methods/gid.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates, assignedLevels, bestOfCell, codingOf } from './shared/assigned.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { answeringAnchors, answeringPoints, selectInstances, type Instance } from './gidInstances.ts';
import { boxResponse, classResponse, featureLoss, relationLoss, relations } from './gidLosses.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type GidConfig = Extract<MethodConfig, { method: 'gid' }>;

// Taps: the pyramid in the regions of general instances, class logits and boxes where candidates answer for them. Which boxes those are
// depends on both networks' predictions, seen before the step.

function predictions({ logits, regression }: DetectorOutputs, coding: BoxCoding, { student, inputSize }: DistillerContext): { logits: tf.Tensor; boxes: tf.Tensor } {
  return {
    logits: tf.concat(logits.map((map) => tf.max(asCandidates(map, student.classes.length), 2)), 1),
    boxes: tf.concat(regression.map((map, level) => coding.decode(map, level, inputSize)), 1),
  };
}

function chooseInstances({ contentSizes }: BatchTruth, observed: HostTensors, config: GidConfig): Instance[][] {
  const { teacherLogits, studentLogits, teacherBoxes, studentBoxes } = observed;
  if (teacherLogits === undefined || studentLogits === undefined || teacherBoxes === undefined || studentBoxes === undefined) throw new Error('GID was not shown the predictions');
  return contentSizes.map((size, image) => {
    const of = ({ data }: HostTensor): ArrayLike<number> => data.subarray((image * data.length) / contentSizes.length, ((image + 1) * data.length) / contentSizes.length);
    return selectInstances({ teacherLogits: of(teacherLogits), studentLogits: of(studentLogits), teacherBoxes: of(teacherBoxes), studentBoxes: of(studentBoxes) }, size, config);
  });
}

/** Which candidates answer for the instances of each image: by overlap of anchors; with points by the detector's own assignment. */
function responders(instances: readonly (readonly Instance[])[], { student, networks, inputSize }: DistillerContext): Float32Array[] {
  const coding = codingOf(student);
  const boxes = instances.map((own) => own.map(({ box }) => box));
  if (coding.form !== 'distances') return boxes.map((own) => answeringAnchors(coding.anchors(inputSize), own));
  if (networks === undefined) return boxes.map((own) => answeringPoints(coding.points(inputSize), own));
  const { assignments } = networks.student.targets(boxes.map((own) => ({ boxes: own, labels: own.map(() => 0), ignored: [] })), inputSize);
  return assignments.map((assigned) => Float32Array.from(assigned, (object) => (object > 0 ? 1 : 0)));
}

/** `rois.…` (see `regionInputs`), `selected.<level>` [N, H·W·A], shares of the three parts, `pairs` [S, S], `shown.<origin>` [N, R, 5]. */
function instanceInputs(instances: readonly (readonly Instance[])[], levels: readonly MapLevel[], layout: RegionLayout, config: GidConfig, context: DistillerContext): HostTensors {
  const slots = instances.length * config.instances;
  const filled = instances.flatMap((own) => Array.from({ length: config.instances }, (_, slot) => slot < own.length));
  const count = filled.filter(Boolean).length;
  const related = count >= 3;
  const pairs = Float32Array.from({ length: slots * slots }, (_, index) => {
    const [row, column] = [Math.floor(index / slots), index % slots];
    return related && row !== column && filled[row] === true && filled[column] === true ? 1 : 0;
  });
  const answering = responders(instances, context);
  const selected = answering.reduce((sum, own) => sum + own.reduce((total, value) => total + value, 0), 0);
  const byLevel = assignedLevels(answering.map((own) => Int32Array.from(own)), levels, context.student.anchorsPerCell);
  const scalar = (value: number): HostTensor => float32([], new Float32Array([value]));
  return {
    ...regionInputs('rois', instances.map((own) => own.map(({ box }) => box)), layout),
    ...Object.fromEntries(byLevel.map(({ level, width, objects }) => [`selected.${level.name}`, float32([instances.length, width], Float32Array.from(objects))])),
    share: scalar(1 / Math.max(1, selected)), regionShare: scalar(1 / Math.max(1, count * config.output ** 2)),
    pairShare: scalar(related ? 1 / (count * count - count) : 0), idle: scalar(related ? 0 : 1), pairs: float32([slots, slots], pairs),
    'shown.teacher': shownBoxes(instances, 'teacher', config.instances), 'shown.student': shownBoxes(instances, 'student', config.instances),
  };
}

function shownBoxes(instances: readonly (readonly Instance[])[], origin: Instance['origin'], slots: number): HostTensor {
  const values = new Float32Array(instances.length * slots * 5);
  instances.forEach((own, image) => {
    own.forEach((instance, slot) => { if (instance.origin === origin) values.set([...instance.box, instance.score], (image * slots + slot) * 5); });
  });
  return float32([instances.length, slots, 5], values);
}

// Adapters: a 3×3 convolution of the student's features, shared by all levels, where widths differ or on request.

function createAdapter(parameters: Parameters, { adapter }: GidConfig, { teacher, student }: DistillerContext): Layer {
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  if (adapter === 'auto' && from === to) return (x) => x;
  return conv2d(parameters, 'distill.gid.all.align', { in: from, out: to, kernel: 3, biasInit: pytorchBias(from * 9) });
}

// Loss: feature Σ (R^t − R^s)² / (M G²) + relation Σ smoothL1(D^t − D^s) / (M² − M) + response of classes and boxes.

interface Regions { readonly student: tf.Tensor4D; readonly teacher: tf.Tensor4D }

function pool(teacher: DetectorOutputs, student: DetectorOutputs, adapter: Layer, inputs: Inputs): Regions {
  return { student: pooledRegions('rois', student.features.map((map) => adapter(map)), inputs), teacher: detached(() => pooledRegions('rois', teacher.features, inputs)) };
}

/** What boxes are compared in: deltas where both networks code alike, else sides in strides of the level. */
function boxNumbers(outputs: DetectorOutputs, own: BoxCoding, other: BoxCoding, index: number, { student, inputSize }: DistillerContext): tf.Tensor3D {
  const map = at(outputs.regression, index);
  if (own.form === 'deltas' && other.form === 'deltas' && own.deviations.every((value, side) => value === other.deviations[side])) return asCandidates(map, 4);
  return tf.mul(own.decode(map, index, inputSize), 1 / at(student.levels, index).stride);
}

function responses(teacher: DetectorOutputs, student: DetectorOutputs, levels: readonly MapLevel[], { boxBeta }: GidConfig, context: DistillerContext, inputs: Inputs): { classification: tf.Scalar; box: tf.Scalar } {
  const [own, other] = [codingOf(context.student), codingOf(context.teacher)];
  const candidates = ({ logits }: DetectorOutputs, index: number): tf.Tensor3D => asCandidates(at(logits, index), context.student.classes.length);
  const parts = levels.map(({ name }, index) => {
    const selected = fed(inputs, `selected.${name}`);
    const target = detached(() => boxNumbers(teacher, other, own, index, context));
    return { classification: classResponse(candidates(student, index), candidates(teacher, index), selected), box: boxResponse(boxNumbers(student, own, other, index, context), target, selected, boxBeta) };
  });
  const summed = (part: 'classification' | 'box'): tf.Scalar => tf.mul(tf.addN(parts.map((losses) => losses[part])), fed(inputs, 'share'));
  return { classification: summed('classification'), box: summed('box') };
}

// Pictures: the instances by origin, where scores disagree, which candidates answer, distances between instances.

/** The instances of each image among themselves, [N, R, R]. */
function imageBlocks(all: tf.Tensor2D, slots: number): tf.Tensor3D {
  return tf.stack(Array.from({ length: all.shape[0] / slots }, (_, image) => tf.slice2d(all, [image * slots, image * slots], [slots, slots]))) as tf.Tensor3D;
}

function levelPictures(teacher: DetectorOutputs, student: DetectorOutputs, level: MapLevel, index: number, classes: number, inputs: Inputs): Picture[] {
  const score = ({ logits }: DetectorOutputs): tf.Tensor => tf.sigmoid(tf.max(asCandidates(at(logits, index), classes), 2));
  return [
    { kind: 'disagreement', role: 'difference', level: level.name, values: bestOfCell(tf.abs(tf.sub(score(teacher), score(student))), level) },
    { kind: 'responders', role: 'shared', level: level.name, values: bestOfCell(fed(inputs, `selected.${level.name}`), level) },
  ];
}

function instancePictures(regions: Regions, slots: number, inputs: Inputs): Picture[] {
  const [student, teacher] = [imageBlocks(relations(regions.student, inputs), slots), imageBlocks(relations(regions.teacher, inputs), slots)];
  return [
    { kind: 'instances', role: 'teacher', level: 'all', values: fed(inputs, 'shown.teacher') },
    { kind: 'instances', role: 'student', level: 'all', values: fed(inputs, 'shown.student') },
    { kind: 'relation', role: 'teacher', level: 'all', values: teacher },
    { kind: 'relation', role: 'student', level: 'all', values: student },
    { kind: 'relation', role: 'difference', level: 'all', values: tf.sub(student, teacher) },
  ];
}

function create(config: GidConfig, context: DistillerContext): Distiller {
  const { student: traits, teacher: teacherTraits, inputSize } = context;
  const levels = mapLevels(traits, inputSize);
  const parameters = new Parameters(context.random);
  const adapter = createAdapter(parameters, config, context);
  const layout: RegionLayout = {
    maps: levels.map(({ rows, columns }, index) => ({ rows, columns, stride: at(traits.levels, index).stride })),
    sampling: { output: config.output, samples: config.samples, aligned: true }, slots: config.instances,
    levelOf: fpnLevel(Math.log2(at(traits.levels, 0).stride), { level: config.canonicalLevel, size: config.canonicalSize }),
  };
  return {
    id: 'gid',
    parameters,
    observe: {
      run: (teacher, student) => {
        const [own, other] = [predictions(student, codingOf(traits), context), predictions(teacher, codingOf(teacherTraits), context)];
        return { teacherLogits: other.logits, studentLogits: own.logits, teacherBoxes: other.boxes, studentBoxes: own.boxes };
      },
    },
    inputs: (batch, observed) => instanceInputs(chooseInstances(batch, observed, config), levels, layout, config, context),
    loss: (teacher, student, inputs) => {
      const regions = pool(teacher, student, adapter, inputs);
      const { classification, box } = responses(teacher, student, levels, config, context, inputs);
      const weighted = (loss: tf.Scalar, weight: number): tf.Scalar => tf.mul(loss, config.weight * weight);
      return {
        feature: weighted(featureLoss(regions.student, regions.teacher, inputs), config.feature),
        relation: weighted(relationLoss(regions.student, regions.teacher, inputs), config.relation),
        classification: weighted(classification, config.classification),
        box: weighted(box, config.box),
      };
    },
    pictures: (teacher, student, inputs) => [
      ...levels.flatMap((level, index) => levelPictures(teacher, student, level, index, traits.classes.length, inputs)),
      ...instancePictures(pool(teacher, student, adapter, inputs), config.instances, inputs),
    ],
  };
}

export const gid: Method<GidConfig> = {
  ...gidCard,
  pictures: {
    instances: { title: 'General instances', form: 'boxes', caption: 'The boxes on which both networks disagree most, by whose box was taken: that of the network with the higher score; the number is the difference of the two scores.' },
    disagreement: { title: 'Where scores disagree', form: 'map', caption: 'Difference of the two networks\' highest class probabilities, the worst anchor of each cell; general instances are chosen by it.' },
    responders: { title: 'Who answers', form: 'map', caption: 'Cells with candidates that overlap a general instance: their class scores and boxes are matched.' },
    relation: { title: 'Relation', form: 'matrix', signed: true, caption: 'Distances between the region features of an image\'s general instances, divided by their mean over the batch.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(gidCard)),
  create,
};
