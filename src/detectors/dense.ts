/**
 * What all dense detectors share: backbone, feature pyramid, a head on every level, a grid of anchors or points, decoding.
 * A detector adds a `DenseForm`.
 */
import * as tf from '@tensorflow/tfjs';
import { int32, type HostTensors } from '../engine/hostTensor.ts';
import { zeros } from '../engine/layers/init.ts';
import { Parameters, type Initializer, type ParameterOptions } from '../engine/parameters.ts';
import { type Random } from '../engine/random.ts';
import { type Box, type Detection, type GroundTruth } from '../engine/boxes.ts';
import { createAnchors, type AnchorGrid, type AnchorSettings } from './anchors.ts';
import { backboneForm, createBackbone, stageChannels } from './backbone.ts';
import { bestPairs, decodePairs, type DecodingForm, type DetectionSettings } from './candidates.ts';
import { type Assignment, type BoxCoding, type Detector, type DetectorHead, type DetectorOutputs, type DetectorTraits, type ForwardMode, type HeadOutputs, type Targets } from './detector.ts';
import { createHead, type HeadForm } from './head.ts';
import { createNeck } from './neck.ts';
import { type NormKind } from './norms.ts';
import { type ResolvedDetector } from './settings.ts';

export interface DenseOptions {
  readonly classes: readonly string[];
  readonly random: Random;
  readonly norm: NormKind;
  /** False for a teacher: nothing learns. */
  readonly trainable: boolean;
  /** False leaves all weights 0, for networks that are loaded whole. */
  readonly initialise?: boolean;
  readonly detection: DetectionSettings;
}

export type Size = readonly [height: number, width: number];
/** Anchors of an input of this size; kept. */
export type GridOf = (size: Size) => AnchorGrid;
/** Inputs of a loss by name. */
export type TargetTensors = Readonly<Record<string, tf.Tensor>>;

/** What tells one dense detector from another. */
export interface DenseForm {
  /** Points are the centres of anchors. */
  readonly anchors: AnchorSettings;
  readonly reluBeforeP7: boolean;
  readonly head: HeadForm;
  readonly coding: (grid: GridOf) => BoxCoding;
  readonly decoding: Pick<DecodingForm, 'centerness' | 'read' | 'keepsEmpty'> & {
    readonly decode: (grid: AnchorGrid, index: number, values: ArrayLike<number>) => Box;
  };
  readonly assign: (grid: AnchorGrid, truth: GroundTruth) => Assignment;
  readonly targets: (grid: AnchorGrid, truth: readonly GroundTruth[], assignments: readonly Assignment[]) => HostTensors;
  /** Named scalars whose sum is the detection loss. */
  readonly loss: (outputs: HeadOutputs, targets: TargetTensors, classes: number) => Record<string, tf.Scalar>;
}

const FIRST_STRIDE = 8;

/** Input pixels per cell, finest level first. */
export function stridesOf({ neck }: ResolvedDetector): number[] {
  return Array.from({ length: neck.levels }, (_, index) => FIRST_STRIDE * 2 ** index);
}

/** Draws nothing: a large network's initial values take seconds. */
class BlankParameters extends Parameters {
  override create(name: string, shape: readonly number[], _: Initializer, options?: ParameterOptions): tf.Variable {
    return super.create(name, shape, zeros, options);
  }
}

export function createDense(config: ResolvedDetector, form: DenseForm, options: DenseOptions): Detector {
  return new DenseDetector(config, form, options);
}

class DenseDetector implements Detector {
  readonly traits: DetectorTraits;
  readonly parameters: Parameters;
  readonly head: DetectorHead;
  private readonly form: DenseForm;
  private readonly detection: DetectionSettings;
  private readonly backbone: ReturnType<typeof createBackbone>;
  private readonly neck: ReturnType<typeof createNeck>;
  /** Input size that outputs came from: torchvision's anchors depend on it, and decoding sees outputs only. */
  private readonly sizes = new WeakMap<readonly tf.Tensor4D[], Size>();
  private readonly grids = new Map<string, AnchorGrid>();

  constructor(config: ResolvedDetector, form: DenseForm, { classes, random, norm, trainable, initialise = true, detection }: DenseOptions) {
    const { neck, head } = config;
    const { strides } = form.anchors;
    const anchorsPerCell = form.anchors.octaves * form.anchors.ratios.length;
    const backbone = backboneForm(config.backbone, config.style);
    const lateral = Math.min(neck.levels, 3);
    this.form = form;
    this.detection = detection;
    this.traits = {
      detector: config.detector, backbone: config.backbone, classes, featureChannels: neck.channels, anchorsPerCell,
      levels: strides.map((stride, index) => ({ name: `P${index + 3}`, stride })),
      towers: { channels: neck.channels, blocks: head.convs },
      boxCoding: form.coding((size) => this.grid(size)),
    };
    this.parameters = initialise ? new Parameters(random) : new BlankParameters(random);
    this.backbone = createBackbone(this.parameters, backbone, { kind: norm, groups: backbone.groups, trainable }, lateral + 1);
    this.neck = createNeck(this.parameters, { ...neck, inputs: stageChannels(backbone).slice(1, lateral + 1), reluBeforeP7: form.reluBeforeP7, trainable });
    this.head = createHead(this.parameters, form.head, { ...head, channels: neck.channels, classes: classes.length, anchorsPerCell, levels: neck.levels, trainable });
  }

  forward(images: tf.Tensor4D, mode: ForwardMode): DetectorOutputs {
    const backbone = this.backbone(images, mode);
    const features = this.neck(backbone.slice(1));
    const head = this.head.run(features);
    this.sizes.set(head.logits, [images.shape[1], images.shape[2]]);
    return { backbone, features, ...head };
  }

  targets(truth: readonly GroundTruth[], size: Size, assignments?: readonly Assignment[]): Targets {
    const grid = this.grid(size);
    const assigned = assignments ?? truth.map((image) => this.form.assign(grid, image));
    return { tensors: this.form.targets(grid, truth, assigned), assignments: assigned };
  }

  loss(outputs: HeadOutputs, targets: TargetTensors): Record<string, tf.Scalar> {
    return this.form.loss(outputs, targets, this.traits.classes.length);
  }

  candidates(outputs: DetectorOutputs): Record<string, tf.Tensor> {
    const size = this.sizes.get(outputs.logits);
    if (size === undefined) throw new Error('these outputs do not come from this detector\'s forward');
    return { ...bestPairs(outputs, this.decoding(size)), inputSize: tf.tensor1d([...size], 'int32') };
  }

  detections(candidates: HostTensors, contentSizes: readonly Size[]): Detection[][] {
    const [height = 0, width = 0] = (candidates.inputSize ?? int32([0])).data;
    return decodePairs(candidates, contentSizes, this.decoding([height, width]), this.detection);
  }

  private decoding(size: Size): DecodingForm {
    const { form: { decoding, head }, traits } = this;
    const grid = this.grid(size);
    return { ...decoding, classes: traits.classes.length, depth: head.depth, decode: (index, values) => decoding.decode(grid, index, values) };
  }

  private grid(size: Size): AnchorGrid {
    const key = size.join('×');
    let grid = this.grids.get(key);
    if (grid === undefined) this.grids.set(key, (grid = createAnchors(this.form.anchors, size)));
    return grid;
  }
}

/** Levels [N, H, W, A·D] as one [N · anchors, D], anchors in flat order. */
export function joinLevels(maps: readonly tf.Tensor4D[], depth: number): tf.Tensor2D {
  const rows = maps.map((map) => tf.reshape<tf.Rank.R3>(map, [map.shape[0], map.size / map.shape[0] / depth, depth]));
  return tf.reshape(tf.concat(rows, 1), [-1, depth]);
}

/** A number of each candidate, [N · anchors]. */
export function joinSingles(maps: readonly tf.Tensor4D[]): tf.Tensor1D {
  return tf.reshape(joinLevels(maps, 1), [-1]);
}

/** An input of the loss, [N, M] as [N · M]. */
export function single(targets: TargetTensors, name: string): tf.Tensor1D {
  return tf.reshape(need(targets, name), [-1]);
}

/** An input of the loss, [N, M, 4] as [N · M, 4]. */
export function fourfold(targets: TargetTensors, name: string): tf.Tensor2D {
  return tf.reshape(need(targets, name), [-1, 4]);
}

function need(tensors: TargetTensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`the detector's loss wants ${name}`);
  return tensor;
}
