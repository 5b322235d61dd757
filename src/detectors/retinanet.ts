/**
 * RetinaNet (Lin et al. 2017, arXiv:1708.02002) as MMDetection 3 and torchvision build it; `preset` says whose conventions
 * anchors, matching, averaging and decoding follow.
 */
import * as tf from '@tensorflow/tfjs';
import { int32, type HostTensors } from '../engine/hostTensor.ts';
import { zeros } from '../engine/layers/init.ts';
import { Parameters, type Initializer, type ParameterOptions } from '../engine/parameters.ts';
import { type Random } from '../engine/random.ts';
import { type Detection, type GroundTruth } from '../engine/boxes.ts';
import { allAnchors, anchorsPerLevel, createAnchors, type AnchorGrid, type AnchorSettings } from './anchors.ts';
import { assignAnchors, type AssignSettings } from './assign.ts';
import { BACKBONE_FORMS, createBackbone, stageChannels } from './backbone.ts';
import { DECODE_LIMITS } from './boxCoder.ts';
import { bestPairs, decodePairs, type DetectionSettings } from './candidates.ts';
import { type Assignment, type Detector, type DetectorHead, type DetectorOutputs, type DetectorTraits, type ForwardMode, type HeadOutputs, type Targets } from './detector.ts';
import { deltaCoding } from './coding.ts';
import { createHead } from './head.ts';
import { boxLoss, focalLoss } from './losses.ts';
import { createNeck } from './neck.ts';
import { type NormKind } from './norms.ts';
import { type ResolvedDetector } from './settings.ts';
import { createTargets } from './targets.ts';

export interface RetinaNetOptions {
  readonly classes: readonly string[];
  readonly random: Random;
  readonly norm: NormKind;
  /** False for a teacher: nothing learns. */
  readonly trainable: boolean;
  /** False leaves all weights 0, for networks that are loaded whole. */
  readonly initialise?: boolean;
  readonly detection: DetectionSettings;
}

const FIRST_STRIDE = 8;

/** Draws nothing: a large network's initial values take seconds. */
class BlankParameters extends Parameters {
  override create(name: string, shape: readonly number[], _: Initializer, options?: ParameterOptions): tf.Variable {
    return super.create(name, shape, zeros, options);
  }
}

export function createRetinaNet(config: ResolvedDetector, options: RetinaNetOptions): Detector {
  return new RetinaNet(config, options);
}

class RetinaNet implements Detector {
  readonly traits: DetectorTraits;
  readonly parameters: Parameters;
  readonly head: DetectorHead;
  private readonly config: ResolvedDetector;
  private readonly detection: DetectionSettings;
  private readonly anchorSettings: AnchorSettings;
  private readonly assignSettings: AssignSettings;
  private readonly backbone: ReturnType<typeof createBackbone>;
  private readonly neck: ReturnType<typeof createNeck>;
  /** Input size that outputs came from: torchvision's anchors depend on it, and decoding sees outputs only. */
  private readonly sizes = new WeakMap<readonly tf.Tensor4D[], readonly [number, number]>();
  private readonly grids = new Map<string, AnchorGrid>();

  constructor(config: ResolvedDetector, { classes, random, norm, trainable, initialise = true, detection }: RetinaNetOptions) {
    const { preset, neck, head, anchors } = config;
    const strides = Array.from({ length: neck.levels }, (_, index) => FIRST_STRIDE * 2 ** index);
    const anchorsPerCell = anchors.octaves * anchors.ratios.length;
    const form = BACKBONE_FORMS[config.backbone];
    const lateral = Math.min(neck.levels, 3);
    this.config = config;
    this.detection = detection;
    this.anchorSettings = { convention: preset, ...anchors, strides };
    this.assignSettings = { positive: 0.5, negative: 0.4, lowQuality: preset === 'mmdetection' ? 'object' : 'anchor' };
    this.traits = {
      detector: config.detector, backbone: config.backbone, classes, featureChannels: neck.channels, anchorsPerCell,
      levels: strides.map((stride, index) => ({ name: `P${index + 3}`, stride })),
      towers: { channels: neck.channels, blocks: head.convs },
      boxCoding: deltaCoding({ anchors: (size) => allAnchors(this.grid(size)), deviations: [1, 1, 1, 1], limits: DECODE_LIMITS[preset], perLevel: (size) => anchorsPerLevel(this.grid(size)) }),
    };
    this.parameters = initialise ? new Parameters(random) : new BlankParameters(random);
    this.backbone = createBackbone(this.parameters, form, { kind: norm, groups: form.groups, trainable }, lateral + 1);
    this.neck = createNeck(this.parameters, {
      ...neck, inputs: stageChannels(form).slice(1, lateral + 1), reluBeforeP7: preset === 'torchvision', trainable,
    });
    this.head = createHead(this.parameters, { ...head, channels: neck.channels, classes: classes.length, anchorsPerCell, trainable });
  }

  forward(images: tf.Tensor4D, mode: ForwardMode): DetectorOutputs {
    const backbone = this.backbone(images, mode);
    const features = this.neck(backbone.slice(1));
    const head = this.head.run(features);
    this.sizes.set(head.logits, [images.shape[1], images.shape[2]]);
    return { backbone, features, ...head };
  }

  targets(truth: readonly GroundTruth[], size: readonly [number, number], assignments?: readonly Assignment[]): Targets {
    const grid = this.grid(size);
    const assigned = assignments ?? truth.map((image) => assignAnchors(grid, image, this.assignSettings));
    return createTargets(grid, truth, assigned, this.config.preset === 'mmdetection' ? 'batch' : 'image');
  }

  loss({ logits, regression }: HeadOutputs, targets: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Scalar> {
    const labels = tf.reshape<tf.Rank.R1>(need(targets, 'labels'), [-1]);
    const classWeights = tf.reshape<tf.Rank.R1>(need(targets, 'classWeights'), [-1]);
    const boxTargets = tf.reshape<tf.Rank.R2>(need(targets, 'boxTargets'), [-1, 4]);
    const boxWeights = tf.reshape<tf.Rank.R1>(need(targets, 'boxWeights'), [-1]);
    return {
      classification: focalLoss(joinLevels(logits, this.traits.classes.length), labels, classWeights),
      box: boxLoss(this.config.boxLoss, joinLevels(regression, 4), boxTargets, boxWeights),
    };
  }

  candidates(outputs: DetectorOutputs): Record<string, tf.Tensor> {
    const size = this.sizes.get(outputs.logits);
    if (size === undefined) throw new Error('these outputs do not come from this detector\'s forward');
    return { ...bestPairs(outputs, this.traits.classes.length), inputSize: tf.tensor1d([...size], 'int32') };
  }

  detections(candidates: HostTensors, contentSizes: readonly (readonly [number, number])[]): Detection[][] {
    const [height = 0, width = 0] = (candidates.inputSize ?? int32([0])).data;
    return decodePairs(candidates, contentSizes, this.grid([height, width]), this.traits.classes.length, DECODE_LIMITS[this.config.preset], this.detection);
  }

  private grid(size: readonly [number, number]): AnchorGrid {
    const key = size.join('×');
    let grid = this.grids.get(key);
    if (grid === undefined) this.grids.set(key, (grid = createAnchors(this.anchorSettings, size)));
    return grid;
  }
}

/** Levels [N, H, W, A·D] as one [N · anchors, D], anchors in flat order. */
function joinLevels(maps: readonly tf.Tensor4D[], depth: number): tf.Tensor2D {
  const rows = maps.map((map) => tf.reshape<tf.Rank.R3>(map, [map.shape[0], map.size / map.shape[0] / depth, depth]));
  return tf.reshape(tf.concat(rows, 1), [-1, depth]);
}

function need(tensors: Readonly<Record<string, tf.Tensor>>, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`the detector's loss wants ${name}`);
  return tensor;
}
