import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { featureLoss } from '../../src/distillers/dsig.ts';
import { graphParts, hardBackground, regionBoxLoss, regionClassLoss } from '../../src/distillers/dsigBackground.ts';
import { edges, joinNodes, type Nodes } from '../../src/distillers/dsigGraph.ts';
import { float32, int32, sizeOf, type HostTensor } from '../../src/engine/hostTensor.ts';
import { type StepFunction } from '../../src/engine/program.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly num_fg_per_image: readonly number[]; readonly num_bg_per_image: readonly number[]; readonly num_classes: number;
    readonly bg_mining_threshold: number; readonly bg_weight_alpha: number; readonly temperature: number;
    readonly weights: Readonly<Record<'feature' | 'corr' | 'fg' | 'bg' | 'roi_cls' | 'roi_reg', number>>;
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly loss: Readonly<Record<string, number>> & { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('dsig.json') as { readonly cases: readonly Case[] } | undefined;

/** Regions of all images one after the other, put into slots: more of them than any image has regions. */
class Slots {
  readonly shape: readonly [images: number, slots: number];
  private readonly counts: readonly number[];

  constructor(counts: readonly number[]) {
    this.counts = counts;
    this.shape = [counts.length, Math.max(...counts) + 2];
  }

  get filled(): HostTensor {
    return float32(this.shape, Float32Array.from({ length: this.shape[0] * this.shape[1] }, (_, index) => (index % this.shape[1] < (this.counts[Math.floor(index / this.shape[1])] ?? 0) ? 1 : 0)));
  }

  put({ shape, data }: GoldenTensor): HostTensor {
    const width = sizeOf(shape.slice(1));
    const result = new Float32Array(this.shape[0] * this.shape[1] * width);
    this.places.forEach((place, region) => { result.set(data.slice(region * width, (region + 1) * width), place * width); });
    return float32([...this.shape, width], result);
  }

  take({ shape, data }: HostTensor): number[] {
    const width = shape[2] ?? 1;
    return this.places.flatMap((place) => [...data.slice(place * width, (place + 1) * width)]);
  }

  private get places(): number[] {
    return this.counts.flatMap((count, image) => Array.from({ length: count }, (_, region) => image * this.shape[1] + region));
  }
}

function inputsOf({ inputs, hyperparameters: { num_classes } }: Case, foreground: Slots, background: Slots): Record<string, HostTensor> {
  const result: Record<string, HostTensor> = { fg_filled: foreground.filled, bg_filled: background.filled };
  for (const [name, tensor] of Object.entries(inputs)) {
    if (name.startsWith('pool_fg')) result[name] = foreground.put(tensor);
    else if (name.startsWith('pool_bg') || name === 'teacher_bg_logits') result[name] = background.put(tensor);
    else if (name.includes('fpn')) result[name] = mapFromGolden(tensor);
    else if (name === 'roi_gt_class') result.places = boxPlaces(tensor.data, num_classes);
    else result[name] = float32(tensor.shape, Float32Array.from(tensor.data));
  }
  return result;
}

/** Flat indexes of the four deltas of each region's class, background left out. */
function boxPlaces(classes: readonly number[], count: number): HostTensor {
  const places = classes.flatMap((own, region) => (own < count ? [0, 1, 2, 3].map((side) => (region * count + own) * 4 + side) : []));
  return int32([places.length, 1], Int32Array.from(places));
}

function stepOf({ hyperparameters: { weights, temperature, bg_mining_threshold, bg_weight_alpha }, loss }: Case, learners: readonly string[]): StepFunction {
  return (tensors) => {
    const matrix = (name: string): tf.Tensor2D => tensors[name] as tf.Tensor2D;
    const slotted = (name: string): tf.Tensor3D => tensors[name] as tf.Tensor3D;
    const levels = (role: string): tf.Tensor4D[] => Object.keys(tensors).filter((name) => name.startsWith(`${role}_fpn`)).map((name) => tensors[name] as tf.Tensor4D);
    const outputs: Record<string, tf.Tensor> = {};
    const total = (): tf.Scalar => {
      const nodes = (kind: string): Nodes => ({ student: slotted(`pool_${kind}_s`), teacher: slotted(`pool_${kind}_t`), filled: matrix(`${kind}_filled`) });
      const mined = hardBackground(slotted('teacher_bg_logits'), matrix('bg_filled'), bg_mining_threshold);
      const graph = graphParts(nodes('fg'), nodes('bg'), mined, bg_weight_alpha);
      const parts: Record<string, tf.Scalar> = {
        loss_roipool_fg: tf.mul(graph.foreground, weights.fg), loss_roipool_bg: tf.mul(graph.background, weights.bg), loss_region_corr_loss_pool: tf.mul(graph.edges, weights.corr),
        ...('loss_d_f' in loss ? { loss_d_f: tf.mul<tf.Scalar>(featureLoss(levels('t'), levels('s')), weights.feature) } : {}),
        ...('loss_d_roi_cls' in loss ? { loss_d_roi_cls: tf.mul<tf.Scalar>(regionClassLoss(matrix('cls_s'), matrix('cls_t'), temperature), weights.roi_cls) } : {}),
        ...('loss_d_roi_reg' in loss ? { loss_d_roi_reg: tf.mul<tf.Scalar>(regionBoxLoss(matrix('delta_s'), matrix('delta_t'), matrix('places')), weights.roi_reg) } : {}),
      };
      for (const [name, value] of Object.entries(parts)) outputs[name] = tf.keep(value);
      const all = joinNodes(nodes('fg'), { ...nodes('bg'), filled: mined });
      Object.assign(outputs, { mined: tf.keep(mined), student: tf.keep(edges(all.student, all.filled)), teacher: tf.keep(edges(all.teacher, all.filled)) });
      return tf.addN([...Object.values(parts), ...learners.map((name) => tf.mul<tf.Scalar>(tf.sum(matrix(name)), 0))]);
    };
    const gradients = tf.grads(total)(learners.map(matrix));
    learners.forEach((name, index) => { outputs[`gradient.${name}`] = gradients[index] as tf.Tensor; });
    return { outputs };
  };
}

function compareMasks({ masks, hyperparameters: { num_fg_per_image } }: Case, results: Readonly<Record<string, HostTensor>>, slots: { readonly foreground: Slots; readonly background: Slots }): void {
  num_fg_per_image.forEach((objects, image) => {
    const [fgSlots, bgSlots] = [slots.foreground.shape[1], slots.background.shape[1]];
    const mined = [...(results.mined?.data.slice(image * bgSlots, (image + 1) * bgSlots) ?? [])].flatMap((value, slot) => (value === 1 ? [slot] : []));
    expect(mined, `mined background of image ${image}`).toEqual(masks[`mined_bg_${image}`]?.data);
    const nodes = [...Array.from({ length: objects }, (_, slot) => slot), ...mined.map((slot) => fgSlots + slot)];
    for (const role of ['teacher', 'student'] as const) {
      const width = fgSlots + bgSlots;
      const own = nodes.flatMap((row) => nodes.map((column) => results[role]?.data[(image * width + row) * width + column] ?? Number.NaN));
      expectTensor(own, masks[`edges_${role}_${image}`]?.data ?? [], `${role}'s edges of image ${image}`, 1e-5, 1e-6);
    }
  });
}

describe.skipIf(goldens === undefined)('DSIG against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const [foreground, background] = [new Slots(golden.hyperparameters.num_fg_per_image), new Slots(golden.hyperparameters.num_bg_per_image)];
      const learners = Object.keys(golden.grads);
      const results = await execute(stepOf(golden, learners), inputsOf(golden, foreground, background), []);
      const { total, ...parts } = golden.loss;
      for (const [name, expected] of Object.entries(parts)) expectLoss(results[name]?.data[0] ?? Number.NaN, expected, name);
      expectLoss(Object.keys(parts).reduce((sum, name) => sum + (results[name]?.data[0] ?? Number.NaN), 0), total, 'total');
      for (const [name, tensor] of Object.entries(golden.grads)) {
        const own = results[`gradient.${name}`] ?? float32([0]);
        const slots = name.startsWith('pool_fg') ? foreground : name.startsWith('pool_bg') ? background : undefined;
        expectTensor(slots?.take(own) ?? own.data, name.includes('fpn') ? mapFromGolden(tensor).data : tensor.data, name, 1e-3, GRADIENT_FLOOR);
      }
      compareMasks(golden, results, { foreground, background });
    });
  });
});
