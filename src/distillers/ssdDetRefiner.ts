/**
 * SSD-Det's refinement of boxes: proposals are scored by multiple-instance learning, regressors taught by the boxes themselves add
 * better ones, the best are merged into a new box. Twice, the second time around the first one's result. Nothing of a new box, and
 * nothing that is chosen by scores, carries a gradient.
 */
import * as tf from '@tensorflow/tfjs';
import { normal, zeros } from '../engine/layers/init.ts';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { absolute } from '../engine/ops/absolute.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';
import { placeLogSoftmax } from '../engine/ops/placeSoftmax.ts';
import { pooledRegions, roiAlign } from '../engine/ops/roiAlign.ts';
import { smoothL1 } from '../engine/ops/smoothL1.ts';
import { type Parameters } from '../engine/parameters.ts';
import { regionLayers } from './shared/boxHead.ts';
import { fed } from './shared/maps.ts';
import { bagTensor, WINDOW, type Offset } from './ssdDetBags.ts';
import { bestProposals, clipBoxes, decodeProposals, encodeProposals, insideShare, meanBoxes, sampleMatrix, stretched } from './ssdDetBoxes.ts';
import { type Inputs } from './distiller.ts';

export interface RefinerForm {
  readonly channels: number;
  readonly classes: number;
  readonly hidden: number;
  /** G. */
  readonly output: number;
  readonly offsets: readonly Offset[];
  /** k. */
  readonly top: number;
  /** Whether there is a spatial score. */
  readonly spatial: boolean;
  readonly negatives: boolean;
}

/** Of one stage; B places for objects in the batch. */
export interface Stage {
  /** New boxes, [B, 4]. */
  readonly boxes: tf.Tensor2D;
  /** Score of the object's class in its bag, 0 … 1, [B]. */
  readonly trust: tf.Tensor1D;
  /** What was merged, each with its share, [B, k, 5]. */
  readonly merged: tf.Tensor3D;
  readonly losses: Readonly<Partial<Record<'bags' | 'regression' | 'spatial', tf.Scalar>>>;
}

export interface Refinement {
  readonly first: Stage;
  readonly second: Stage;
  readonly negatives?: tf.Scalar;
}

/** The objects of the batch, [B, …]. */
interface Objects {
  readonly given: tf.Tensor2D;
  readonly labels: tf.Tensor2D;
  readonly filled: tf.Tensor1D;
  readonly limits: tf.Tensor2D;
  /** Their windows, pooled, [B, M, M, C]. */
  readonly windows: tf.Tensor4D;
}

/** A proposal counts if more than this part of it lies in the image. */
const LEAST_INSIDE = 0.7;
const TINY = 1e-6;
const NEGATIVE_WEIGHT = 0.75;
/** Of an image: what the negatives' loss is scaled to. */
const PUBLISHED_NEGATIVES = 500;

interface StageHeads {
  readonly classes: RowLayer;
  readonly instances: RowLayer;
  readonly deltas: RowLayer;
}

interface Heads {
  /** From pooled proposals to rows, [B·P, hidden]. */
  readonly rows: (regions: tf.Tensor4D) => tf.Tensor2D;
  readonly stages: readonly [StageHeads, StageHeads];
  readonly spatial: { readonly rows: (regions: tf.Tensor4D) => tf.Tensor2D; readonly out: RowLayer } | undefined;
}

function createHeads(parameters: Parameters, name: string, { channels, classes, hidden, output, spatial }: RefinerForm): Heads {
  const layer = (part: string, out: number): RowLayer => linear(parameters, `${name}.${part}`, { in: hidden, out, init: normal(0.01), biasInit: zeros });
  const rows = (part: string): Heads['rows'] => {
    const layers = regionLayers(parameters, `${name}.${part}`, output * output * channels, hidden);
    return (regions) => layers(regions).second;
  };
  const stage = (index: number): StageHeads => ({ classes: layer(`classes.${index}`, classes), instances: layer(`instances.${index}`, classes), deltas: layer(`deltas.${index}`, 4) });
  return { rows: rows('shared'), stages: [stage(0), stage(1)], spatial: spatial ? { rows: rows('spatial'), out: layer('spatial.iou', 1) } : undefined };
}

export function boxRefiner(parameters: Parameters, name: string, form: RefinerForm): (features: readonly tf.Tensor4D[], inputs: Inputs) => Refinement {
  const heads = createHeads(parameters, name, form);
  return (features, inputs) => {
    const objects = objectsOf(features, inputs);
    const first = runStage(0, heads, form, objects, objects.given, tf.onesLike(objects.filled));
    const second = runStage(1, heads, form, objects, first.boxes, first.trust);
    if (!form.negatives) return { first, second };
    const rows = heads.rows(pooledRegions('others', features, inputs));
    return { first, second, negatives: negativeLoss(tf.sigmoid(heads.stages[1].classes(rows)) as tf.Tensor2D, fed(inputs, 'apart') as tf.Tensor2D, first.trust, objects.filled) };
  };
}

function objectsOf(features: readonly tf.Tensor4D[], inputs: Inputs): Objects {
  const [images = 0, slots = 0, classes = 0] = fed(inputs, 'labels').shape;
  const count = images * slots;
  return {
    given: tf.reshape(fed(inputs, 'boxes'), [count, 4]), labels: tf.reshape(fed(inputs, 'labels'), [count, classes]), filled: tf.reshape(fed(inputs, 'filled'), [count]),
    limits: tf.reshape(tf.tile(tf.expandDims(fed(inputs, 'limits'), 1), [1, slots, 1]), [count, 4]),
    windows: pooledRegions('windows', features, inputs),
  };
}

/** Proposals pooled from their objects' windows, [B·P, G, G, C]. */
function pool(proposals: tf.Tensor3D, { given, windows }: Objects, output: number): tf.Tensor4D {
  const matrix = (axis: 0 | 1): tf.Tensor4D => detached(() => sampleMatrix(proposals, given, axis, WINDOW, output));
  return roiAlign(windows, matrix(1), matrix(0));
}

/** @param base boxes that the bags lie around, [B, 4] @param weights what each object counts, [B] */
function runStage(index: 0 | 1, heads: Heads, form: RefinerForm, objects: Objects, base: tf.Tensor2D, weights: tf.Tensor1D): Stage {
  const { labels, filled, limits } = objects;
  const [count] = labels.shape;
  const own = heads.stages[index];
  const inBags = (rows: tf.Tensor2D): tf.Tensor3D => tf.reshape(rows, [count, -1, form.hidden]);

  const bag = detached(() => bagTensor(base, form.offsets));
  const bagRegions = pool(bag, objects, form.output);
  const bagRows = inBags(heads.rows(bagRegions));
  const deltas = own.deltas(bagRows) as tf.Tensor3D;
  const better = detached(() => decodeProposals(bag, deltas));
  const betterRegions = pool(better, objects, form.output);
  const rows = tf.concat([bagRows, inBags(heads.rows(betterRegions))], 1);
  const proposals = detached(() => tf.concat([bag, better], 1));
  const valid = detached(() => tf.cast(tf.greater<tf.Tensor2D>(insideShare(proposals, limits), LEAST_INSIDE), 'float32'));

  const products = bagScores(own, rows, valid, index);
  const ofLabel = detached(() => tf.sum<tf.Tensor2D>(tf.mul(products, tf.expandDims(labels, 1)), 2));
  const { spatial } = heads;
  const fit = index === 0 || spatial === undefined ? undefined
    : spatialScores(tf.concat([bagRegions, betterRegions].map((regions) => inBags(spatial.rows(regions))), 1), spatial.out);
  const merged = detached(() => bestProposals(proposals, fit === undefined ? ofLabel : tf.mul<tf.Tensor2D>(ofLabel, stretched(fit)), form.top));
  return {
    merged,
    boxes: detached(() => clipBoxes(meanBoxes(merged), limits)),
    trust: detached(() => tf.mul(tf.clipByValue(tf.sum<tf.Tensor1D>(ofLabel, 1), 0, 1), filled)),
    losses: {
      bags: bagLoss(tf.sum<tf.Tensor2D>(products, 1), labels, detached(() => tf.mul(filled, tf.max<tf.Tensor1D>(valid, 1))), weights, index),
      regression: tf.div(
        tf.sum<tf.Scalar>(tf.mul(tf.sum(absolute(tf.sub(deltas, detached(() => encodeProposals(bag, base)))), [1, 2]), tf.mul(filled, weights))),
        tf.mul(tf.maximum(tf.sum(filled), 1), form.offsets.length),
      ),
      ...(fit === undefined ? {} : { spatial: spatialLoss(fit, proposals, base, filled) }),
    },
  };
}

/** c · s of each proposal and class, [B, P, K]: class scores by softmax (first stage) or sigmoid, instance scores by softmax over the bag. */
function bagScores(own: StageHeads, rows: tf.Tensor3D, valid: tf.Tensor2D, index: 0 | 1): tf.Tensor3D {
  const mask = tf.expandDims(valid, 2);
  const logits = own.classes(rows) as tf.Tensor3D;
  const c = tf.mul(index === 0 ? tf.softmax(logits) : tf.sigmoid(logits), mask);
  const s = tf.mul(tf.exp(placeLogSoftmax(own.instances(rows) as tf.Tensor3D)), mask);
  return tf.mul(c, tf.div(s, tf.maximum(tf.sum(s, 1, true), 1e-12)));
}

/** @param P score of each class in a bag, [B, K] @param counted 1 for objects with a proposal inside the image, [B] */
function bagLoss(P: tf.Tensor2D, labels: tf.Tensor2D, counted: tf.Tensor1D, weights: tf.Tensor1D, index: 0 | 1): tf.Scalar {
  const losses = tf.sum<tf.Tensor1D>(index === 0 ? crossEntropy(P, labels) : qualityFocal(P, labels), 1);
  return tf.div(tf.sum(tf.mul(losses, tf.mul(counted, weights))), tf.maximum(tf.sum(counted), 1));
}

function crossEntropy(P: tf.Tensor2D, labels: tf.Tensor2D): tf.Tensor2D {
  const held = tf.clipByValue(P, TINY, 1 - TINY);
  return tf.neg(tf.add<tf.Tensor2D>(tf.mul(labels, tf.log(held)), tf.mul(tf.sub(1, labels), tf.log(tf.sub(1, held)))));
}

/** −(P − q)² (q ln P + (1 − q) ln(1 − P)). */
function qualityFocal(P: tf.Tensor2D, q: tf.Tensor2D): tf.Tensor2D {
  const held = tf.clipByValue(P, 0, 1);
  const logarithm = tf.add(tf.mul(q, tf.log(tf.add(held, TINY))), tf.mul(tf.sub(1, q), tf.log(tf.add(tf.sub(1, held), TINY))));
  return tf.neg(tf.mul<tf.Tensor2D>(tf.square(tf.sub(held, q)), logarithm));
}

/** How well each proposal fits, in place of its IoU, [B, P]: judged beside the mean of its bag. */
function spatialScores(rows: tf.Tensor3D, out: RowLayer): tf.Tensor2D {
  const scores = out(tf.add(rows, tf.mean(rows, 1, true)));
  return tf.reshape(scores, [rows.shape[0], rows.shape[1]]);
}

/** Against the IoU with the box that the bag lies around, brought to −1 … 1. */
function spatialLoss(scores: tf.Tensor2D, proposals: tf.Tensor3D, base: tf.Tensor2D, filled: tf.Tensor1D): tf.Scalar {
  const [count, own] = scores.shape;
  const target = detached(() => {
    const wanted = tf.tile(tf.expandDims(base, 1), [1, own, 1]);
    return tf.mul(tf.sub(boxIou(proposals, wanted), 0.5), 2);
  });
  const losses = tf.mul(tf.mean(smoothL1(tf.sub(scores, target), 1), 1), filled);
  return tf.div(tf.sum<tf.Scalar>(tf.reshape(losses, [count])), tf.maximum(tf.sum(filled), 1));
}

/** Focal loss to 0 of all classes. @param scores [N·Q, K] @param apart [N, Q] */
function negativeLoss(scores: tf.Tensor2D, apart: tf.Tensor2D, trust: tf.Tensor1D, filled: tf.Tensor1D): tf.Scalar {
  const losses = tf.mul(tf.sum(qualityFocal(scores, tf.zerosLike(scores)), 1), tf.reshape(apart, [apart.size]));
  const objects = tf.maximum(tf.sum(filled), 1);
  const meanTrust = detached(() => tf.div(tf.sum(trust), objects));
  return tf.mul(tf.mul(tf.div(tf.sum<tf.Scalar>(losses), objects), meanTrust), (NEGATIVE_WEIGHT * PUBLISHED_NEGATIVES) / apart.shape[1]);
}
