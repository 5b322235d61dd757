/**
 * DSIG: Deep Structured Instance Graph for Distilling Object Detectors (Chen et al., ICCV 2021), for dense detectors.
 * Letters as in `docs/methods/dsig.md`: X pooled regions, S similarities of an image's regions. The graphs themselves are in `dsigGraph.ts`.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { absolute } from '../engine/ops/absolute.ts';
import { softmaxDivergence } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { fpnLevel, pooledRegions, regionInputs, type RegionLayout } from '../engine/ops/roiAlign.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { dsigCard } from '../experiment/methods/dsig.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignmentIfNeeded } from './shared/align.ts';
import { asCandidates } from './shared/assigned.ts';
import { bestDetections, candidateBoxes } from './shared/detections.ts';
import { featureScaler } from './shared/deviations.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { edgeLoss, edges, nodeLoss, type Nodes } from './dsigGraph.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';

export type DsigConfig = Extract<MethodConfig, { method: 'dsig' }>;

// Taps: both pyramids, in them the regions of the student's own detections, and both heads' predictions.

const sameCoding: Check = (teacher, student) => {
  const [expected, got] = [teacher, student].map(({ boxCoding }) => codingWords(boxCoding));
  return expected === got ? undefined : new DistillError('DL570', 'The two heads write boxes in different ways, and the method compares what they write.', {
    expected: `the teacher's ${expected ?? ''}`, got: `the student's ${got ?? ''}`, advice: 'Give both the same `detector`, or set the weight `regression` to 0.',
  });
};

function codingWords(coding: DetectorTraits['boxCoding']): string {
  return coding === undefined ? 'none' : coding.form === 'distribution' ? `distribution over ${coding.bins} bins` : coding.form;
}

function regionLayout(levels: readonly MapLevel[], { student }: DistillerContext, { maxNodes, poolSize }: DsigConfig): RegionLayout {
  const strides = student.levels.map(({ stride }) => stride);
  return {
    maps: levels.map(({ rows, columns }, index) => ({ rows, columns, stride: at(strides, index) })), slots: maxNodes,
    sampling: { output: poolSize, samples: 'adaptive', aligned: true }, levelOf: fpnLevel(Math.round(Math.log2(at(strides, 0)))),
  };
}

/** The student's detections as `boxes` [N, R, 5] with their scores, and what pools them. */
function nodeInputs({ truth }: BatchTruth, observed: HostTensors, layout: RegionLayout, { nms, maxNodes }: DsigConfig): HostTensors {
  const found = bestDetections(observed, truth.length, { nms, most: maxNodes });
  const boxes = new Float32Array(truth.length * maxNodes * 5);
  found.forEach((own, image) => { own.forEach(({ box, score }, slot) => { boxes.set([...box, score], (image * maxNodes + slot) * 5); }); });
  return { ...regionInputs('nodes', found.map((own) => own.map(({ box }) => box)), layout), boxes: float32([truth.length, maxNodes, 5], boxes) };
}

/** What an anchor's divergence counts, `valid` [N, A], and its box, `foreground` [N, A]. */
function anchorInputs({ assignments }: BatchTruth, classes: number): HostTensors {
  const shape = [assignments.length, assignments[0]?.length ?? 0];
  const all = assignments.flatMap((objects) => [...objects]);
  const count = (counts: (object: number) => boolean): number => Math.max(1, all.filter(counts).length);
  const [valid, foreground] = [1 / (count((object) => object >= 0) * classes), 1 / count((object) => object > 0)];
  return {
    valid: float32(shape, Float32Array.from(all, (object) => (object >= 0 ? valid : 0))), foreground: float32(shape, Float32Array.from(all, (object) => (object > 0 ? foreground : 0))),
  };
}

// Adapters: a 1×1 convolution of the student's maps where widths differ.

function createAdapters(parameters: Parameters, levels: readonly MapLevel[], { nodes, edges: similarities, features }: DsigConfig, { teacher, student }: DistillerContext): Layer[] {
  // Nothing would reach weights whose parts are all off.
  if (nodes + similarities + features === 0) return levels.map(() => (x) => x);
  return levels.map(({ name }) => alignmentIfNeeded(parameters, `distill.dsig.${name}.align`, student.featureChannels, teacher.featureChannels));
}

// Loss: nodes, edges, the pyramids themselves, and both outputs of the head.

function nodesOf(teacher: readonly tf.Tensor4D[], student: readonly tf.Tensor4D[], inputs: Inputs): Nodes {
  const filled = fed(inputs, 'nodes.filled') as tf.Tensor2D;
  const pooled = (maps: readonly tf.Tensor4D[]): tf.Tensor3D => {
    const regions = pooledRegions('nodes', maps, inputs);
    return tf.reshape(regions, [filled.shape[0], filled.shape[1], regions.size / filled.size]);
  };
  return { student: pooled(student), teacher: detached(() => pooled(teacher)), filled };
}

/** Σ over levels of the mean of (s − t)². */
export function featureLoss(teacher: readonly tf.Tensor4D[], student: readonly tf.Tensor4D[]): tf.Scalar {
  return tf.addN(student.map((map, level) => tf.mul<tf.Scalar>(sumOfSquares(tf.sub(map, detached(() => tf.clone(at(teacher, level))))), 1 / map.size)));
}

/** [N, A, D], anchors in flat order. */
function rowsOf(maps: readonly tf.Tensor4D[], anchorsPerCell: number): tf.Tensor3D {
  return tf.concat(maps.map((map) => asCandidates(map, map.shape[3] / anchorsPerCell)), 1);
}

function classificationLoss(teacher: DetectorOutputs, student: DetectorOutputs, anchorsPerCell: number, temperature: number, inputs: Inputs): tf.Scalar {
  const target = detached(() => rowsOf(teacher.logits, anchorsPerCell));
  const divergence = softmaxDivergence(rowsOf(student.logits, anchorsPerCell), target, temperature);
  return tf.mul(tf.sum<tf.Scalar>(tf.mul(divergence, fed(inputs, 'valid'))), temperature * temperature);
}

function regressionLoss(teacher: DetectorOutputs, student: DetectorOutputs, anchorsPerCell: number, inputs: Inputs): tf.Scalar {
  const target = detached(() => rowsOf(teacher.regression, anchorsPerCell));
  const distances = tf.sum(absolute(tf.sub(rowsOf(student.regression, anchorsPerCell), target)), 2);
  return tf.sum(tf.mul(distances, fed(inputs, 'foreground')));
}

// Pictures: the edges of both graphs, and the boxes that are their nodes.

function picturesOf({ student, teacher, filled }: Nodes, inputs: Inputs): Picture[] {
  const [own, other] = [edges(student, filled), edges(teacher, filled)];
  const matrix = (role: Picture['role'], values: tf.Tensor): Picture => ({ kind: 'edges', role, level: 'all', values });
  return [matrix('teacher', other), matrix('student', own), matrix('difference', tf.sub(own, other)), { kind: 'nodes', role: 'student', level: 'all', values: tf.clone(fed(inputs, 'boxes')) }];
}

function create(config: DsigConfig, context: DistillerContext): Distiller {
  const { student: traits } = context;
  const levels = mapLevels(traits, context.inputSize);
  const layout = regionLayout(levels, context, config);
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, levels, config, context);
  const scaled = featureScaler(config.scale, levels, context);
  const aligned = ({ features }: DetectorOutputs): tf.Tensor4D[] => scaled(features).map((map, level) => at(adapters, level)(map));
  return {
    id: 'dsig',
    parameters,
    observe: { run: (_, student) => candidateBoxes(student, traits, context.inputSize) },
    inputs: (batch, observed) => ({ ...nodeInputs(batch, observed, layout, config), ...anchorInputs(batch, traits.classes.length) }),
    loss: (teacher, student, inputs) => {
      const maps = aligned(student);
      const nodes = config.nodes + config.edges > 0 ? nodesOf(scaled(teacher.features), maps, inputs) : undefined;
      const parts = {
        nodes: () => nodes === undefined ? tf.scalar(0) : nodeLoss(nodes),
        edges: () => nodes === undefined ? tf.scalar(0) : edgeLoss(nodes),
        features: () => featureLoss(scaled(teacher.features), maps),
        classification: () => classificationLoss(teacher, student, traits.anchorsPerCell, config.temperature, inputs),
        regression: () => regressionLoss(teacher, student, traits.anchorsPerCell, inputs),
      };
      const asked = (Object.keys(parts) as (keyof typeof parts)[]).filter((part) => config[part] > 0);
      return Object.fromEntries(asked.map((part) => [part, tf.mul<tf.Scalar>(parts[part](), config.weight * config[part])]));
    },
    pictures: (teacher, student, inputs) => picturesOf(nodesOf(scaled(teacher.features), aligned(student), inputs), inputs),
  };
}

export const dsig: Method<DsigConfig> = {
  ...dsigCard,
  pictures: {
    edges: { title: 'Edges', form: 'matrix', signed: true, caption: 'How alike the network finds the regions of an image: cosine of each pair, best detection first; empty places are 0.' },
    nodes: { title: 'Nodes', form: 'boxes', caption: 'The student\'s own detections, whose pooled features are the graph\'s nodes, with their scores.' },
  },
  problems: (teacher, student, { regression }) => collect(teacher, student, [...sharing(dsigCard), ...(regression > 0 ? [sameCoding] : [])]),
  create,
};
