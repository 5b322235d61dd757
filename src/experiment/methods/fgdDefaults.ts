/** FGD's published weights, from the official configurations (configs/distillers/fgd). */

export interface FgdDefaults {
  readonly temperature: number;
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly lambda: number;
}

const oneStage: FgdDefaults = { temperature: 0.5, alpha: 1e-3, beta: 5e-4, gamma: 5e-4, lambda: 5e-6 };
const pointBased: FgdDefaults = { temperature: 0.5, alpha: 1.6e-3, beta: 8e-4, gamma: 8e-4, lambda: 8e-6 };
const twoStage: FgdDefaults = { temperature: 0.5, alpha: 5e-5, beta: 2.5e-5, gamma: 5e-5, lambda: 5e-7 };

/** Keys are detectors' names without case, blanks and signs. */
const BY_DETECTOR: Readonly<Record<string, FgdDefaults>> = {
  retinanet: oneStage,
  gfl: oneStage,
  solo: oneStage,
  fcos: { ...pointBased, temperature: 0.8 },
  reppoints: pointBased,
  fasterrcnn: twoStage,
  maskrcnn: twoStage,
  cascadercnn: twoStage,
  cascademaskrcnn: twoStage,
  yolox: { temperature: 0.5, alpha: 2e-3, beta: 1e-3, gamma: 1e-3, lambda: 1e-5 },
};

/** A detector that is not listed takes RetinaNet's row, or Faster R-CNN's if it has two stages (`…rcnn`). */
export function fgdDefaults(detector: string): FgdDefaults {
  const key = detector.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return BY_DETECTOR[key] ?? (key.includes('rcnn') ? twoStage : oneStage);
}
