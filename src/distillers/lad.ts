/**
 * LAD: Improving Object Detection by Label Assignment Distillation (Nguyen et al., WACV 2022). The teacher's predictions decide which
 * anchors serve which object; nothing is mimicked. Letters as in `docs/methods/lad.md`: S the cost of an anchor for its object.
 */
import * as tf from '@tensorflow/tfjs';
import { type AnchorLevels } from '../detectors/atssThresholds.ts';
import { type Assignment, type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { focalLoss } from '../detectors/losses.ts';
import { float32, int32, type HostTensors } from '../engine/hostTensor.ts';
import { binaryCrossEntropy } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { oneHot } from '../engine/ops/oneHot.ts';
import { boxOverlap } from '../engine/ops/iou.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { ladCard } from '../experiment/methods/lad.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates, assignedLevels, bestOfCell, codingOf } from './shared/assigned.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { candidateObjects, choosePositives } from './ladAssign.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';
import { decodeBoxes, objectBoxInputs } from './shared/objectBoxes.ts';

export type LadConfig = Extract<MethodConfig, { method: 'lad' }>;

// Taps: class logits and decoded boxes of the teacher at the candidates; for `losses: paa` the student's, and its centerness branch.

interface Layout {
  readonly levels: readonly MapLevel[];
  readonly strides: readonly number[];
  readonly anchorsPerCell: number;
  readonly anchors: AnchorLevels;
  /** True where boxes are written as distances from a point, which must lie inside. */
  readonly centred: boolean;
}

/** Side of the squares that stand in for anchors where a detector has points only, in strides. */
const SQUARE = 8;

function layoutOf(traits: DetectorTraits, inputSize: readonly [number, number]): Layout {
  const levels = mapLevels(traits, inputSize);
  const coding = codingOf(traits);
  const strides = traits.levels.map(({ stride }) => stride);
  const perLevel = levels.map(({ places }) => places * traits.anchorsPerCell);
  const corners = coding.form === 'distances' ? squares(coding.points(inputSize), perLevel, strides) : coding.anchors(inputSize);
  return { levels, strides, anchorsPerCell: traits.anchorsPerCell, anchors: { corners, perLevel }, centred: coding.form !== 'deltas' };
}

function squares(points: Float32Array, perLevel: readonly number[], strides: readonly number[]): Float32Array {
  const sides = perLevel.flatMap((count, level) => new Array<number>(count).fill(SQUARE * at(strides, level)));
  return Float32Array.from(sides.flatMap((side, index) => {
    const [x, y] = [points[2 * index] ?? 0, points[2 * index + 1] ?? 0];
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2];
  }));
}

/** Whether an anchor's cell begins over the image and not over its padding. */
function insideOf({ levels, strides, anchorsPerCell }: Layout, [height, width]: readonly [number, number]): (index: number) => boolean {
  const inside = levels.flatMap(({ rows, columns }, level) => Array.from({ length: rows * columns * anchorsPerCell }, (_, index) => {
    const cell = Math.floor(index / anchorsPerCell);
    const [cellsDown, cellsAcross] = [Math.ceil(height / at(strides, level)), Math.ceil(width / at(strides, level))];
    return Math.floor(cell / columns) < cellsDown && cell % columns < cellsAcross;
  }));
  return (index) => inside[index] === true;
}

const trainsAllBranches: Check = (_, student) => ['retinanet', 'atss', 'fcos'].includes(student.detector) ? undefined : new DistillError(
  'DL583', '`losses: paa` trains class scores, boxes and a branch for their overlap, which does not fit this student\'s head.',
  { expected: 'a student with `detector: retinanet`, `atss` or `fcos`', got: student.detector, advice: 'Set `losses: detector`.' },
);

// Adapters: none.

// Loss: S = focal + 1.3 (1 − GIoU) chooses the positives; then the student's own losses, or focal, GIoU and IoU.

/** α_t p² softplus(z) summed over classes, the focal loss of each candidate, [N, A]. */
function classCosts({ logits }: DetectorOutputs, labels: tf.Tensor, classes: number): tf.Tensor2D {
  const all = tf.concat(logits.map((map) => asCandidates(map, classes)), 1);
  const z = tf.mul(all, oneHot(labels, classes, -1, 1));
  const cost = tf.mul(tf.mul(tf.square(tf.sigmoid(z)), tf.softplus(z)), oneHot(labels, classes, 0.25, 0.75));
  return tf.sum(cost, 2);
}

/** S of each candidate, [N, A]. */
function costs(outputs: DetectorOutputs, traits: DetectorTraits, inputSize: readonly [number, number], giouWeight: number, inputs: Inputs): tf.Tensor2D {
  const { giou } = boxOverlap(decodeBoxes(outputs.regression, codingOf(traits), inputSize), fed(inputs, 'boxes'));
  return tf.add(classCosts(outputs, fed(inputs, 'labels'), traits.classes.length), tf.mul(tf.sub(1, giou), giouWeight));
}

function candidateInputs(batch: BatchTruth, layout: Layout, config: LadConfig): HostTensors {
  const candidates = batch.truth.map((truth, image) => candidateObjects(layout.anchors, truth, { overlap: config.overlap, centred: layout.centred, inside: insideOf(layout, at(batch.contentSizes, image)) }));
  return {
    candidates: stacked(candidates), own: stacked(batch.assignments),
    labels: stacked(candidates.map((objects, image) => objects.map((object) => labelOf(batch, image, object)))), ...objectBoxInputs({ ...batch, assignments: candidates }),
  };
}

function labelOf({ truth }: BatchTruth, image: number, object: number): number {
  return object > 0 ? at(at(truth, image).labels, object - 1) : -1;
}

function stacked(rows: readonly Int32Array[]): HostTensors[string] {
  const width = at(rows, 0).length;
  const data = new Int32Array(rows.length * width);
  rows.forEach((row, image) => { data.set(row, image * width); });
  return int32([rows.length, width], data);
}

/** The rows of a [N, A] tensor as assignments. */
function unstacked({ shape, data }: HostTensors[string]): Assignment[] {
  const [images = 0, width = 0] = shape;
  return Array.from({ length: images }, (_, image) => Int32Array.from(data.subarray(image * width, (image + 1) * width)));
}

function need(tensors: HostTensors, name: string): HostTensors[string] {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`${name} was not observed`);
  return tensor;
}

/** Targets of `losses: paa`, by candidate: `labels` int32 and `classWeights` [M], `boxes` [N, A, 4], `boxWeights` [N, A]. */
function targetInputs(batch: BatchTruth): HostTensors {
  const { assignments } = batch;
  const width = at(assignments, 0).length;
  const labels = Int32Array.from(assignments.flatMap((objects, image) => Array.from(objects, (object) => labelOf(batch, image, object))));
  const positives = labels.reduce((count, label) => (label >= 0 ? count + 1 : count), 0);
  const counted = Float32Array.from(assignments.flatMap((objects) => Array.from(objects, (object) => (object < 0 ? 0 : 1 / Math.max(positives, assignments.length)))));
  return {
    labels: int32([labels.length], labels), classWeights: float32([labels.length], counted), ...objectBoxInputs(batch),
    boxWeights: float32([assignments.length, width], Float32Array.from(labels, (label) => (label >= 0 ? 1 / positives : 0))),
  };
}

function paaLosses(student: DetectorOutputs, { student: traits, inputSize }: DistillerContext, config: LadConfig, inputs: Inputs): Record<string, tf.Scalar> {
  const logits = tf.reshape<tf.Rank.R2>(tf.concat(student.logits.map((map) => asCandidates(map, traits.classes.length)), 1), [-1, traits.classes.length]);
  const { iou, giou } = boxOverlap(decodeBoxes(student.regression, codingOf(traits), inputSize), fed(inputs, 'boxes'));
  const weights = fed(inputs, 'boxWeights');
  const over = (values: tf.Tensor, weight: number): tf.Scalar => tf.mul(tf.sum(tf.mul(values, weights)), weight);
  const { centerness } = student;
  const branch = (maps: readonly tf.Tensor4D[]): tf.Tensor => tf.concat(maps.map((map) => tf.reshape<tf.Rank.R2>(map, [map.shape[0], -1])), 1);
  return {
    classification: tf.mul(focalLoss(logits, fed(inputs, 'labels') as tf.Tensor1D, fed(inputs, 'classWeights') as tf.Tensor1D), config.classWeight),
    box: over(tf.sub(1, giou), config.giouWeight),
    ...(centerness === undefined ? {} : { overlap: over(binaryCrossEntropy(branch(centerness), detached(() => tf.clone(iou))), config.iouWeight) }),
  };
}

// Pictures: who is positive by the teacher, who would be by the student's own assigner, and the difference.

/** `teacher.<level>` and `own.<level>`: 1 for positives, [N, cells · anchors]. */
function pictureInputs(batch: BatchTruth, observed: HostTensors, { levels, anchorsPerCell }: Layout): HostTensors {
  const own = observed.own === undefined ? batch.assignments : unstacked(observed.own);
  const marks = (name: string, assignments: readonly Assignment[]): HostTensors => Object.fromEntries(assignedLevels(assignments, levels, anchorsPerCell).map(({ level, width, objects }) =>
    [`${name}.${level.name}`, float32([assignments.length, width], Float32Array.from(objects, (object) => (object > 0 ? 1 : 0)))]));
  return { ...marks('teacher', batch.assignments), ...marks('own', own) };
}

function levelPictures(level: MapLevel, inputs: Inputs): Picture[] {
  const [taught, own] = ['teacher', 'own'].map((name) => bestOfCell(fed(inputs, `${name}.${level.name}`), level)) as [tf.Tensor3D, tf.Tensor3D];
  return [
    { kind: 'positives', role: 'teacher', level: level.name, values: taught },
    { kind: 'positives', role: 'student', level: level.name, values: own },
    { kind: 'positives', role: 'difference', level: level.name, values: tf.sub(own, taught) },
  ];
}

function create(config: LadConfig, context: DistillerContext): Distiller {
  const { teacher: teacherTraits, student: studentTraits, inputSize } = context;
  const layout = layoutOf(studentTraits, inputSize);
  const replaces = config.losses === 'paa';
  return {
    id: 'lad',
    parameters: new Parameters(context.random),
    ...(replaces ? { replacesDetection: true } : {}),
    observe: {
      inputs: (batch) => candidateInputs(batch, layout, config),
      run: (teacher, _, inputs) => ({
        costs: costs(teacher, teacherTraits, inputSize, config.giouWeight, inputs), candidates: tf.clone(fed(inputs, 'candidates')), own: tf.clone(fed(inputs, 'own')),
      }),
    },
    supervise: ({ truth }, observed) => {
      const [candidates, values] = [unstacked(need(observed, 'candidates')), need(observed, 'costs')];
      const width = layout.anchors.perLevel.reduce((sum, count) => sum + count, 0);
      return {
        assignments: truth.map((_, image) => choosePositives(at(candidates, image), values.data.subarray(image * width, (image + 1) * width), layout.anchors.perLevel, config.candidates)),
      };
    },
    inputs: (batch, observed) => ({ ...pictureInputs(batch, observed, layout), ...(replaces ? targetInputs(batch) : {}) }),
    loss: (_, student, inputs) => (replaces ? paaLosses(student, context, config, inputs) : {}),
    pictures: (_, __, inputs) => layout.levels.flatMap((level) => levelPictures(level, inputs)),
  };
}

export const lad: Method<LadConfig> = {
  ...ladCard,
  pictures: {
    positives: { title: 'Positives', form: 'map', signed: true, caption: 'Cells that serve an object: by the teacher\'s predictions, which the student learns from, and by the student\'s own assigner.' },
  },
  problems: (teacher, student, { losses }) => collect(teacher, student, [...sharing(ladCard), ...(losses === 'paa' ? [trainsAllBranches] : [])]),
  create,
};
