/** Where words of an experiment come from that are no distillation methods (those have cards): shown by hovers and completion. */
import { type KeyPath } from './keyPath.ts';

export interface Paper {
  readonly title: string;
  readonly venue: string;
  readonly url: string;
}

const paper = (title: string, venue: string, arxiv: string): Paper => ({ title, venue, url: `https://arxiv.org/abs/${arxiv}` });

const RESNET = paper('Deep Residual Learning for Image Recognition', 'CVPR 2016', '1512.03385');
const RESNEXT = paper('Aggregated Residual Transformations for Deep Neural Networks', 'CVPR 2017', '1611.05431');

/** By key and value. */
const OF_VALUES: Readonly<Record<string, Readonly<Record<string, Paper>>>> = {
  detector: {
    retinanet: paper('Focal Loss for Dense Object Detection', 'ICCV 2017', '1708.02002'),
    fcos: paper('FCOS: Fully Convolutional One-Stage Object Detection', 'ICCV 2019', '1904.01355'),
    atss: paper('Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection', 'CVPR 2020', '1912.02424'),
    gfl: paper('Generalized Focal Loss: Learning Qualified and Distributed Bounding Boxes for Dense Object Detection', 'NeurIPS 2020', '2006.04388'),
  },
  backbone: {
    resnet18: RESNET, resnet34: RESNET, resnet50: RESNET, resnet101: RESNET,
    resnext50_32x4d: RESNEXT, resnext101_32x4d: RESNEXT, resnext101_64x4d: RESNEXT,
    mobilenet_v2: paper('MobileNetV2: Inverted Residuals and Linear Bottlenecks', 'CVPR 2018', '1801.04381'),
  },
  optimizer: { adamw: paper('Decoupled Weight Decay Regularization', 'ICLR 2019', '1711.05101') },
  schedule: { cosine: paper('SGDR: Stochastic Gradient Descent with Warm Restarts', 'ICLR 2017', '1608.03983') },
  teaching: { progressive: paper('Learning Lightweight Object Detectors via Multi-Teacher Progressive Distillation', 'ICML 2023', '2308.09105') },
};

/** By key, whatever its value. */
const OF_KEYS: Readonly<Record<string, Paper>> = {
  neck: paper('Feature Pyramid Networks for Object Detection', 'CVPR 2017', '1612.03144'),
  inherit: paper('Focal and Global Knowledge Distillation for Detectors', 'CVPR 2022', '2111.11837'),
  mosaic: paper('YOLOv4: Optimal Speed and Accuracy of Object Detection', '2020', '2004.10934'),
};

/** @param value as written, or undefined for what the key itself goes back to. */
export function paperOf(path: KeyPath, value: unknown): Paper | undefined {
  // A method's options have the method's paper.
  if (path[0] === 'distill') return undefined;
  const key = String(path.at(-1));
  const ofValues = Object.hasOwn(OF_VALUES, key) ? OF_VALUES[key] : undefined;
  if (ofValues !== undefined && typeof value === 'string' && Object.hasOwn(ofValues, value)) return ofValues[value];
  return Object.hasOwn(OF_KEYS, key) ? OF_KEYS[key] : undefined;
}
