/**
 * RetinaNet's head (Lin et al. 2017, section 4): two towers of 3×3 convolutions shared by all levels.
 * Names are MMDetection's: `bbox_head.cls_convs.i.conv`, `bbox_head.retina_cls`, `bbox_head.retina_reg`.
 */
import { conv2d } from '../engine/layers/conv.ts';
import { constant, normal } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type DetectorHead } from './detector.ts';
import { createTower } from './tower.ts';

export interface HeadSettings {
  readonly channels: number;
  readonly convs: number;
  readonly norm: 'none' | 'group';
  readonly classes: number;
  readonly anchorsPerCell: number;
  readonly trainable: boolean;
}

/** Share of foreground that the untrained classifier believes in: the focal loss diverges early without it. */
const PRIOR = 0.01;
const DEVIATION = 0.01;

export function createHead(parameters: Parameters, settings: HeadSettings): DetectorHead {
  const { channels, classes, anchorsPerCell, trainable } = settings;
  const classTower = createTower(parameters, 'bbox_head.cls_convs', settings);
  const boxTower = createTower(parameters, 'bbox_head.reg_convs', settings);
  const output = { in: channels, kernel: 3, init: normal(DEVIATION), trainable };
  const classify = conv2d(parameters, 'bbox_head.retina_cls', { ...output, out: anchorsPerCell * classes, biasInit: constant(-Math.log((1 - PRIOR) / PRIOR)) });
  const regress = conv2d(parameters, 'bbox_head.retina_reg', { ...output, out: anchorsPerCell * 4 });
  const resume: DetectorHead['resume'] = (block, held) => {
    const [classification, regression] = [held.classification.map((map) => classTower(map, block)), held.regression.map((map) => boxTower(map, block))];
    return {
      logits: classification.map(({ out }) => classify(out)),
      regression: regression.map(({ out }) => regress(out)),
      towers: { classification: classification.map(({ blocks }) => blocks), regression: regression.map(({ blocks }) => blocks) },
    };
  };
  return { blocks: settings.convs, resume, run: (features) => resume(0, { classification: features, regression: features }) };
}
