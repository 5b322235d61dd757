/**
 * The head of a dense detector: two towers of 3×3 convolutions shared by all levels, a class output, a box output and, in some,
 * a centerness output and a learnt factor a level. Names are MMDetection's: `bbox_head.cls_convs.i.conv`, `bbox_head.scales.i.scale`.
 */
import * as tf from '@tensorflow/tfjs';
import { conv2d } from '../engine/layers/conv.ts';
import { constant, normal } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type DetectorHead } from './detector.ts';
import { Mosaic } from './mosaic.ts';
import { createTower, type Tower, type TowerRun } from './tower.ts';

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

  const scaled = (map: tf.Tensor4D, level: number): tf.Tensor4D => {
    const scale = scales[level];
    const box = scale === undefined ? map : tf.mul<tf.Tensor4D>(map, scale);
    return form.shape?.(box) ?? box;
  };
  const resume: DetectorHead['resume'] = (block, held) => {
    const [classification, regression] = [spread(held.classification, settings), spread(held.regression, settings)];
    const [ofClasses, ofBoxes] = [classification.run(classTower, block), regression.run(boxTower, block)];
    const [centred, runs] = form.centerness?.tower === 'classification' ? [classification, ofClasses] : [regression, ofBoxes];
    const outs = (towers: readonly TowerRun[], layer: (out: tf.Tensor4D) => tf.Tensor4D): tf.Tensor4D[] => towers.map(({ out }) => layer(out));
    return {
      logits: classification.levels(outs(ofClasses, classify)),
      regression: regression.levels(outs(ofBoxes, regress)).map(scaled),
      ...(centre === undefined ? {} : { centerness: centred.levels(outs(runs, centre)) }),
      towers: { classification: classification.blocks(ofClasses), regression: regression.blocks(ofBoxes) },
    };
  };
  return { blocks: settings.convs, resume, run: (features) => resume(0, { classification: features, regression: features }) };
}

/** Maps as a head goes over them: large ones one by one, small ones together where no norm looks at whole maps. */
interface Spread {
  run(tower: Tower, from: number): TowerRun[];
  /** By map again, of what came out for each that was gone over. */
  levels(outs: readonly tf.Tensor4D[]): tf.Tensor4D[];
  blocks(runs: readonly TowerRun[]): tf.Tensor4D[][];
}

function spread(maps: readonly tf.Tensor4D[], { norm }: HeadSettings): Spread {
  const mosaic = norm === 'none' ? Mosaic.of(maps) : undefined;
  if (mosaic === undefined) return { run: (tower, from) => maps.map((map) => tower(map, from)), levels: (outs) => [...outs], blocks: (runs) => runs.map(({ blocks }) => [...blocks]) };
  const levels = (outs: readonly tf.Tensor4D[]): tf.Tensor4D[] => [...outs.slice(0, mosaic.from), ...outs.slice(mosaic.from).flatMap((out) => mosaic.split(out))];
  return {
    run: (tower, from) => [...maps.slice(0, mosaic.from).map((map) => tower(map, from)), tower(mosaic.join(maps.slice(mosaic.from)), from, mosaic.mask())],
    levels,
    blocks: (runs) => {
      const byBlock = (runs[0]?.blocks ?? []).map((_, block) => levels(runs.map(({ blocks }) => blocks[block] as tf.Tensor4D)));
      return maps.map((_, map) => byBlock.map((level) => level[map] as tf.Tensor4D));
    },
  };
}
