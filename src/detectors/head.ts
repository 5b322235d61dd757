/**
 * The head of a dense detector: two towers of 3×3 convolutions shared by all levels, a class output, a box output and, in some,
 * a centerness output and a learnt factor a level. Names are MMDetection's: `bbox_head.cls_convs.i.conv`, `bbox_head.scales.i.scale`.
 */
import * as tf from '@tensorflow/tfjs';
import { conv2d } from '../engine/layers/conv.ts';
import { constant, normal } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type DetectorHead } from './detector.ts';
import { createTower, type TowerRun } from './tower.ts';

/** What tells one detector's head from another's. */
export interface HeadForm {
  /** Of the output layers, under `bbox_head.`. */
  readonly names: { readonly classification: string; readonly regression: string };
  /** Numbers that write one box. */
  readonly depth: number;
  readonly centerness?: { readonly name: string; readonly tower: 'classification' | 'regression' };
  /** Whether each level's box output is multiplied by a factor of its own. */
  readonly scaled: boolean;
  /** From the box output, after the factor, to what the losses read; left out: as it is. */
  readonly shape?: (map: tf.Tensor4D) => tf.Tensor4D;
}

export interface HeadSettings {
  readonly channels: number;
  readonly convs: number;
  readonly norm: 'none' | 'group';
  /** Whether the towers' convolutions have biases even where a norm follows. */
  readonly bias: boolean;
  readonly classes: number;
  readonly anchorsPerCell: number;
  readonly levels: number;
  readonly trainable: boolean;
}

/** Share of foreground that the untrained classifier believes in: the focal loss diverges early without it. */
const PRIOR = 0.01;
const DEVIATION = 0.01;

export function createHead(parameters: Parameters, form: HeadForm, settings: HeadSettings): DetectorHead {
  const { channels, classes, anchorsPerCell, levels, trainable } = settings;
  const classTower = createTower(parameters, 'bbox_head.cls_convs', settings);
  const boxTower = createTower(parameters, 'bbox_head.reg_convs', settings);
  const output = { in: channels, kernel: 3, init: normal(DEVIATION), trainable };
  const classify = conv2d(parameters, `bbox_head.${form.names.classification}`, { ...output, out: anchorsPerCell * classes, biasInit: constant(-Math.log((1 - PRIOR) / PRIOR)) });
  const regress = conv2d(parameters, `bbox_head.${form.names.regression}`, { ...output, out: anchorsPerCell * form.depth });
  const centre = form.centerness === undefined ? undefined : conv2d(parameters, `bbox_head.${form.centerness.name}`, { ...output, out: anchorsPerCell });
  const scales = Array.from({ length: form.scaled ? levels : 0 }, (_, level) => parameters.create(`bbox_head.scales.${level}.scale`, [], constant(1), { trainable }));

  const box = ({ out }: TowerRun, level: number): tf.Tensor4D => {
    const scale = scales[level];
    const map = scale === undefined ? regress(out) : tf.mul<tf.Tensor4D>(regress(out), scale);
    return form.shape?.(map) ?? map;
  };
  const resume: DetectorHead['resume'] = (block, held) => {
    const [classification, regression] = [held.classification.map((map) => classTower(map, block)), held.regression.map((map) => boxTower(map, block))];
    const centred = form.centerness?.tower === 'classification' ? classification : regression;
    return {
      logits: classification.map(({ out }) => classify(out)),
      regression: regression.map(box),
      ...(centre === undefined ? {} : { centerness: centred.map(({ out }) => centre(out)) }),
      towers: { classification: classification.map(({ blocks }) => blocks), regression: regression.map(({ blocks }) => blocks) },
    };
  };
  return { blocks: settings.convs, resume, run: (features) => resume(0, { classification: features, regression: features }) };
}
