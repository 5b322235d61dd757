import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { deltaCoding, distanceCoding, distributionCoding } from '../../src/detectors/coding.ts';
import { type BoxCoding, type DetectorHead } from '../../src/detectors/detector.ts';
import { crossHead, type Held } from '../../src/distillers/crosskdHead.ts';
import { confidences, crossLosses, type CrossSetting } from '../../src/distillers/crosskdLosses.ts';
import { at } from '../../src/distillers/shared/maps.ts';
import { float32, type HostTensors } from '../../src/engine/hostTensor.ts';
import { normaliseGroups } from '../../src/engine/layers/groupNorm.ts';
import { type StepFunction } from '../../src/engine/program.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

type Tensors = Readonly<Record<string, GoldenTensor>>;

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly detector: 'gfl' | 'retinanet' | 'atss' | 'fcos'; readonly weights: { readonly cls: number; readonly reg: number; readonly ctr?: number }; readonly beta: number; readonly avg_factor: number;
    readonly reused_teacher_head_idx: number; readonly stacked_convs: number; readonly group_norm_groups: number; readonly scales: readonly number[]; readonly strides: readonly number[];
    readonly num_classes: number; readonly reg_max: number | null; readonly anchors_per_cell: number; readonly box_stds: readonly [number, number, number, number] | null;
  };
  readonly inputs: Tensors;
  readonly parameters: Tensors;
  readonly image_shape: readonly [number, number];
  readonly loss: Readonly<Record<string, number>>;
  readonly grads: Tensors;
  readonly masks: Tensors;
}

const goldens = readGoldens('crosskd.json') as { readonly cases: readonly Case[] } | undefined;

function need<T>(values: Readonly<Record<string, T>>, name: string): T {
  const value = values[name];
  if (value === undefined) throw new Error(`the golden has no ${name}`);
  return value;
}

/** The layers of the teacher's head that the case stores. */
function headOf({ hyperparameters: { detector, stacked_convs, group_norm_groups, scales }, parameters }: Case): DetectorHead {
  const conv = (x: tf.Tensor4D, name: string): tf.Tensor4D => {
    const weight = need(parameters, `${name}_weight`);
    const [out, into, height, width] = weight.shape as [number, number, number, number];
    const result = tf.conv2d(x, tf.tensor4d(weightFromGolden(weight), [height, width, into, out]), 1, 'same');
    const bias = parameters[`${name}_bias`];
    return bias === undefined ? result : tf.add(result, tf.tensor1d([...bias.data]));
  };
  const tower = (branch: string, from: number, held: tf.Tensor4D): tf.Tensor4D => {
    let x = from > 0 ? tf.relu(held) : held;
    for (let block = from; block < stacked_convs; block += 1) {
      const name = `teacher_${branch}_conv_${block}`;
      const [gamma, beta] = [parameters[`${name}_gn_gamma`], parameters[`${name}_gn_beta`]];
      x = conv(x, name);
      if (gamma !== undefined && beta !== undefined) x = normaliseGroups(x, tf.tensor1d([...gamma.data]), tf.tensor1d([...beta.data]), group_norm_groups);
      x = tf.relu(x);
    }
    return x;
  };
  const box = (x: tf.Tensor4D, level: number): tf.Tensor4D => {
    const scaled = detector === 'retinanet' ? x : tf.mul<tf.Tensor4D>(x, at(scales, level));
    return detector === 'fcos' ? tf.exp(scaled) : scaled;
  };
  const resume: DetectorHead['resume'] = (block, { classification, regression }) => {
    const [classes, boxes] = [classification.map((held) => tower('cls', block, held)), regression.map((held) => tower('reg', block, held))];
    return {
      logits: classes.map((x) => conv(x, 'teacher_pred_cls')),
      regression: boxes.map((x, level) => box(conv(x, 'teacher_pred_reg'), level)),
      ...(detector === 'atss' ? { centerness: boxes.map((x) => conv(x, 'teacher_pred_ctr')) } : {}),
      towers: { classification: [], regression: [] },
    };
  };
  return { blocks: stacked_convs, resume, run: (features) => resume(0, { classification: features, regression: features }) };
}

function codingOf({ hyperparameters: { reg_max, strides, box_stds }, masks }: Case, perLevel: readonly number[]): BoxCoding {
  const priors = (): Float32Array => Float32Array.from(strides.flatMap((_, level) => [...(masks[`priors_${level}`]?.data ?? [])]));
  if (reg_max !== null) return distributionCoding({ anchors: priors, bins: reg_max + 1, perLevel: () => perLevel, strides });
  if (box_stds === null) return distanceCoding({ points: priors, perLevel: () => perLevel, unit: () => 1 });
  return deltaCoding({ anchors: priors, perLevel: () => perLevel, deviations: box_stds, limits: { least: Math.log(16 / 1000), most: Math.log(1000 / 16) } });
}

function settingOf(golden: Case): CrossSetting {
  const { hyperparameters: { strides, num_classes, anchors_per_cell, beta }, inputs, image_shape } = golden;
  const levels = strides.map((_, level) => {
    const [, , rows = 0, columns = 0] = need(inputs, `student_cls_hold_${level}`).shape;
    return { name: String(level), rows, columns, places: rows * columns };
  });
  return { levels, classes: num_classes, anchorsPerCell: anchors_per_cell, coding: codingOf(golden, levels.map(({ places }) => places * anchors_per_cell)), inputSize: image_shape, beta };
}

/** Hold features, label weights, positives and 1 / normaliser as the case gives them. */
function inputsOf({ hyperparameters: { avg_factor, num_classes }, inputs, masks }: Case, { levels, anchorsPerCell }: CrossSetting): HostTensors {
  const result: Record<string, HostTensors[string]> = { share: float32([], new Float32Array([1 / (avg_factor + 2 ** -23)])) };
  for (const [name, tensor] of Object.entries(inputs)) result[name] = mapFromGolden(tensor);
  for (const { name, places } of levels) {
    const shape = [need(inputs, `student_cls_hold_${name}`).shape[0] ?? 0, places * anchorsPerCell] as const;
    result[`counted.${name}`] = float32(shape, Float32Array.from(masks[`label_weights_${name}`]?.data ?? new Array<number>(shape[0] * shape[1]).fill(1)));
    result[`positive.${name}`] = float32(shape, Float32Array.from(masks[`labels_${name}`]?.data ?? new Array<number>(shape[0] * shape[1]).fill(num_classes), (label) => (label >= 0 && label < num_classes ? 1 : 0)));
  }
  return result;
}

function stepOf(golden: Case, setting: CrossSetting): StepFunction {
  const { weights, reused_teacher_head_idx: block } = golden.hyperparameters;
  const head = headOf(golden);
  return (tensors) => {
    const held = (network: string): Held => ({
      classification: setting.levels.map(({ name }) => need(tensors, `${network}_cls_hold_${name}`) as tf.Tensor4D),
      regression: setting.levels.map(({ name }) => need(tensors, `${network}_reg_hold_${name}`) as tf.Tensor4D),
    });
    const outputs: Record<string, tf.Tensor> = {};
    const teacher = head.resume(block, held('teacher'));
    const total = (): tf.Scalar => {
      const cross = crossHead(head, block, held('student'), held('teacher'));
      const losses = crossLosses(cross, teacher, setting, tensors);
      const parts: Record<string, tf.Scalar> = { cls: tf.mul(losses.classification, weights.cls), reg: tf.mul(losses.box, weights.reg), ...(losses.centerness === undefined ? {} : { ctr: tf.mul(losses.centerness, weights.ctr ?? 1) }) };
      for (const [part, value] of Object.entries(parts)) outputs[`loss.${part}`] = tf.keep(value);
      for (const [level, logits] of cross.logits.entries()) outputs[`cross_head_cls_${level}`] = tf.keep(logits);
      return tf.addN(Object.values(parts));
    };
    const names = Object.keys(golden.grads);
    tf.grads(total)(names.map((name) => need(tensors, name))).forEach((gradient, index) => { outputs[`gradient.${at(names, index)}`] = gradient; });
    for (const [level, logits] of teacher.logits.entries()) outputs[`teacher_cls_${level}`] = logits;
    for (const [level, confidence] of confidences(teacher, setting, tensors).entries()) outputs[`reg_weight_${level}`] = confidence;
    return { outputs };
  };
}

describe.skipIf(goldens === undefined)('CrossKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const setting = settingOf(golden);
      const results = await execute(stepOf(golden, setting), inputsOf(golden, setting), []);
      const values = (name: string): ArrayLike<number> => need(results, name).data;
      let total = 0;
      for (const part of ['cls', 'reg', 'ctr']) {
        const expected = Object.entries(golden.loss).filter(([name]) => name.startsWith(`${part}_kd`)).reduce((sum, [, value]) => sum + value, 0);
        const got = results[`loss.${part}`]?.data[0] ?? 0;
        expectLoss(got, expected, part);
        total += got;
      }
      expectLoss(total, golden.loss.total ?? Number.NaN, 'total');
      for (const [name, tensor] of Object.entries(golden.grads)) expectTensor(values(`gradient.${name}`), mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
      for (const [name, tensor] of Object.entries(golden.masks)) {
        if (/^(cross_head|teacher)_cls_/.test(name)) expectTensor(values(name), mapFromGolden(tensor).data, name, 1e-4, 1e-5);
        if (name.startsWith('reg_weight_')) expectTensor(values(name), tensor.data, name, 1e-5, 1e-7);
      }
      expect(Object.keys(golden.grads).length).toBeGreaterThan(0);
    });
  });
});
