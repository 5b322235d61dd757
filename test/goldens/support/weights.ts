/** Weights and images from the goldens' value formula: numbers that any language can make, so that no weight file is needed. */
import { float32, sizeOf, type HostTensor } from '../../../src/engine/hostTensor.ts';

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** `value(u)` with the formula's u in [0, 1) at every flat index, in PyTorch's order. */
function fill(name: string, count: number, salt: number, value: (u: number, index: number) => number): Float32Array {
  const start = (crc32(name) + salt) >>> 0;
  const result = new Float32Array(count);
  for (let index = 0; index < count; index += 1) {
    let x = (Math.imul(index, 2654435761) + start) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 2246822519);
    x = Math.imul(x ^ (x >>> 13), 3266489917);
    result[index] = value(((x ^ (x >>> 16)) >>> 0) / 2 ** 32, index);
  }
  return result;
}

export type WeightRules = 'torchvision' | 'mmdetection';

const CLASS_BIAS = {
  torchvision: /cls_logits\.bias/,
  mmdetection: /^bbox_head\.(retina_cls|conv_cls|atss_cls|gfl_cls|reppoints_cls_out|cls_branches\.\d+)\.bias$|(^|\.)bbox_head\.fc_cls\.bias$/,
};

const GAINS: Readonly<Record<WeightRules, readonly (readonly [RegExp, number])[]>> = {
  torchvision: [
    [/^rpn\.head\.conv/, 1],
    [/^head\.classification_head\.cls_logits|^head\.regression_head\.bbox_(reg|ctr)|^rpn\.head\.|^roi_heads\.box_predictor|^roi_heads\.mask_predictor\.mask_fcn_logits/, 0.2],
  ],
  mmdetection: [
    [/query_embedding|^bbox_head\.(retina_cls|reppoints_cls_out|reppoints_pts_init_out|reppoints_pts_refine_out)\.|^roi_head\.bbox_head\.fc_cls\./, 8],
    [/^bbox_head\.(retina_reg|gfl_reg)\./, 4],
    [/^bbox_head\.(conv_cls|atss_cls|gfl_cls|atss_reg|fc_cls|cls_branches\.\d+)\.|^rpn_head\.rpn_cls\./, 2],
  ],
};

function rule(name: string, shape: readonly number[], rules: WeightRules): (u: number) => number {
  if (name.endsWith('running_var')) return (u) => 1 + u;
  if (name.endsWith('running_mean')) return (u) => 0.2 * (u - 0.5);
  if (shape.length === 0) return (u) => 0.8 + 0.4 * u;
  if (shape.length === 1) {
    if (CLASS_BIAS[rules].test(name)) return () => -2;
    if (rules === 'mmdetection' && name === 'bbox_head.conv_reg.bias') return (u) => 2 + (u - 0.5);
    if (rules === 'mmdetection' && name === 'bbox_head.reppoints_pts_init_out.bias') return (u) => 6 * (u - 0.5);
    return name.endsWith('weight') ? (u) => 0.6 + 0.2 * u : (u) => 0.1 * (u - 0.5);
  }
  const gain = GAINS[rules].find(([pattern]) => pattern.test(name))?.[1] ?? 1;
  const bound = Math.sqrt(3 / sizeOf(shape.slice(1))) * gain;
  return (u) => (2 * u - 1) * bound;
}

/** @param shape PyTorch's */
export function formulaWeight(name: string, shape: readonly number[], salt: number, rules: WeightRules): HostTensor {
  return float32(shape, fill(name, sizeOf(shape), salt, rule(name, shape, rules)));
}

/**
 * The goldens' picture, NHWC, zero-padded right and below.
 * @param shape [N, 3, H, W] that the formula fills @param padded [height, width]
 */
export function formulaImage(shape: readonly [number, number, number, number], padded: readonly [number, number], salt: number): HostTensor {
  const [batch, channels, height, width] = shape;
  const result = float32([batch, ...padded, channels]);
  const values = fill('image', sizeOf(shape), salt, (u, flat) => {
    const [x, y, channel] = [flat % width, Math.floor(flat / width) % height, Math.floor(flat / (width * height)) % channels];
    return Math.sin(x / 9 + channel) + Math.cos(y / 7 - channel) + 0.5 * (u - 0.5);
  });
  for (const [flat, value] of values.entries()) {
    const [x, y, channel] = [flat % width, Math.floor(flat / width) % height, Math.floor(flat / (width * height)) % channels];
    const image = Math.floor(flat / (width * height * channels));
    result.data[((image * padded[0] + y) * padded[1] + x) * channels + channel] = value;
  }
  return result;
}
