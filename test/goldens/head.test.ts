import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { regionLayers, rowsAtCells } from '../../src/distillers/shared/boxHead.ts';
import { assistantLosses, crossLoss } from '../../src/distillers/head.ts';
import { warmupFactor } from '../../src/distillers/shared/pace.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { float32, int32, type HostTensors } from '../../src/engine/hostTensor.ts';
import { linear } from '../../src/engine/layers/linear.ts';
import { pooledRegions, regionInputs, scaleLevel } from '../../src/engine/ops/roiAlign.ts';
import { Parameters } from '../../src/engine/parameters.ts';
import { Random } from '../../src/engine/random.ts';
import { setWeight } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { runLosses } from './support/run.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, permute, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly strides: readonly number[]; readonly roi_output: number; readonly finest_scale: number; readonly warmup_iters: number; readonly iteration: number;
    readonly weights: { readonly mimic_rcnn_aux: number; readonly mimic_rcnn: number; readonly cross: number };
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>> & { readonly proposals: GoldenTensor; readonly proposal_ids: GoldenTensor; readonly roi_student: GoldenTensor };
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: { readonly total: number; readonly loss_mimic_rcnn_aux: number; readonly loss_mimic_rcnn: number; readonly loss_cross: number | null };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('head.json') as { readonly cases: readonly Case[] } | undefined;

const rowsOf = ({ shape, data }: GoldenTensor): number[][] => Array.from({ length: shape[0] ?? 0 }, (_, row) => data.slice(row * (shape[1] ?? 0), (row + 1) * (shape[1] ?? 0)));
const levelsOf = (inputs: Case['inputs'], prefix: string, count: number): HostTensors => Object.fromEntries(Array.from({ length: count }, (_, level) => {
  const tensor = inputs[`${prefix}${level}`];
  return tensor === undefined ? [] : [[`${prefix}${level}`, mapFromGolden(tensor)] as const];
}).flat());

/** `assist_fc1.weight` → `assist.fc1.weight`, `adapt_cross.bias` → `adapt.cross.bias`. */
const ourName = (name: string): string => name.replace('_', '.');

/** [O, I] → [I, O]; the first layer's inputs are channel, row, column there and row, column, channel here. */
function rowWeights(name: string, { shape, data }: GoldenTensor, output: number): Float32Array {
  const [to = 0, from = 0] = shape;
  if (shape.length === 1) return Float32Array.from(data);
  return /^(assist|teacher)_fc1/.test(name) ? permute(Float32Array.from(data), [to, from / output ** 2, output, output], [2, 3, 1, 0]) : permute(Float32Array.from(data), [to, from], [1, 0]);
}

describe.skipIf(goldens === undefined)('HEAD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, { hyperparameters: of, inputs, parameters: stored, loss, grads }) => {
      const levels = of.strides.length;
      const student = levelsOf(inputs, 's_fpn', levels);
      const [teacher, towers] = [levelsOf(inputs, 't_fpn', levels), levelsOf(inputs, 's_cls_tower', levels)];
      const maps = Object.values(student).map(({ shape: [, rows = 0, columns = 0] }, level) => ({ rows, columns, stride: of.strides[level] ?? 0 }));
      const images = Object.values(student)[0]?.shape[0] ?? 0;
      const regions = Array.from({ length: images }, (___, image) => rowsOf(inputs.proposals).flatMap((row, index) => (row[0] === image ? [{ index, box: row.slice(1) as unknown as Box, id: rowsOf(inputs.proposal_ids)[index] ?? [] }] : [])));
      const slots = Math.max(...regions.map(({ length }) => length));
      const slotted = regions.flatMap((own) => Array.from({ length: slots }, (___, slot) => own[slot]));
      const cells = maps.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
      const cellOf = (image: number, [, level = -1, row = 0, column = 0]: readonly number[]): number | undefined => level < 0 ? undefined
        : image * cells + maps.slice(0, level).reduce((sum, { rows, columns }) => sum + rows * columns, 0) + row * (maps[level]?.columns ?? 0) + column;
      const places = slotted.map((region, slot) => (region === undefined ? undefined : cellOf(Math.floor(slot / slots), region.id)));
      const marks = (wanted: (slot: number) => boolean): Float32Array => {
        const count = slotted.filter((___, slot) => wanted(slot)).length;
        return Float32Array.from(slotted, (___, slot) => (wanted(slot) ? 1 / Math.max(1, count) : 0));
      };
      const parameters = new Parameters(Random.of(1));
      const [hidden, taught] = [stored['assist_fc1.weight']?.shape[0] ?? 0, stored['teacher_fc1.weight']?.shape[0] ?? 0];
      const width = stored['assist_fc1.weight']?.shape[1] ?? 0;
      const assistant = regionLayers(parameters, 'assist', width, hidden);
      const teacherLayers = regionLayers(parameters, 'teacher', width, taught);
      const adapt = { first: linear(parameters, 'adapt.fc1', { in: hidden, out: taught }), second: linear(parameters, 'adapt.fc2', { in: hidden, out: taught }) };
      const cross = linear(parameters, 'adapt.cross', { in: stored['adapt_cross.weight']?.shape[1] ?? 0, out: taught });
      for (const [name, tensor] of Object.entries(stored)) {
        const parameter = parameters.get(ourName(name));
        expect(parameter, name).toBeDefined();
        if (parameter !== undefined) setWeight(parameter.variable, rowWeights(name, tensor, of.roi_output));
      }
      const factor = warmupFactor({ step: of.iteration }, of.warmup_iters).data[0] ?? Number.NaN;
      const fed: HostTensors = {
        ...student, ...teacher, ...towers,
        ...regionInputs('rois', regions.map((own) => own.map(({ box }) => box)), { maps, sampling: { output: of.roi_output, samples: 'adaptive', aligned: true }, slots, levelOf: scaleLevel(of.finest_scale) }),
        cells: int32([slotted.length, 1], Int32Array.from(places, (place) => place ?? 0)),
        rows: float32([slotted.length], marks((slot) => slotted[slot] !== undefined)),
        kept: float32([slotted.length], marks((slot) => places[slot] !== undefined)),
      };
      const list = (given: Readonly<Record<string, tf.Tensor>>, prefix: string): tf.Tensor4D[] => maps.map((___, level) => given[`${prefix}${level}`] as tf.Tensor4D);
      const { losses, gradients, shown } = await runLosses(fed, {
        watched: [...Object.keys(student), ...Object.keys(towers)],
        parameters: parameters.all().filter(({ name }) => !name.startsWith('teacher')),
        losses: (given) => {
          const own = assistant(pooledRegions('rois', list(given, 's_fpn'), given));
          const other = teacherLayers(pooledRegions('rois', list(given, 't_fpn'), given));
          const both = assistantLosses(own, other, adapt, given.rows as tf.Tensor1D);
          const crossed = crossLoss(rowsAtCells(list(given, 's_cls_tower'), given), other, cross, given.kept as tf.Tensor1D);
          return { aux: both.first.mul(factor * of.weights.mimic_rcnn_aux), rcnn: both.second.mul(factor * of.weights.mimic_rcnn), cross: crossed.mul(factor * of.weights.cross) };
        },
        shown: (given) => ({ regions: pooledRegions('rois', list(given, 's_fpn'), given) }),
      }, execute);
      expectLoss(losses.aux ?? Number.NaN, loss.loss_mimic_rcnn_aux, 'first layer');
      expectLoss(losses.rcnn ?? Number.NaN, loss.loss_mimic_rcnn, 'second layer');
      // Without regions that have a cell the reference has no number.
      expectLoss(losses.cross ?? Number.NaN, loss.loss_cross ?? 0, 'tower');
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), loss.total, 'total');
      for (const [name, tensor] of Object.entries(grads)) {
        const expected = tensor.shape.length === 4 ? mapFromGolden(tensor).data : rowWeights(name, tensor, of.roi_output);
        expectTensor(gradients[tensor.shape.length === 4 ? name : ourName(name)] ?? [], expected, name, 1e-3, GRADIENT_FLOOR);
      }
      const pooled = mapFromGolden(inputs.roi_student).data;
      const size = pooled.length / inputs.proposals.data.length * 5;
      slotted.forEach((region, slot) => {
        if (region !== undefined) expectTensor(shown.regions?.data.subarray(slot * size, (slot + 1) * size) ?? [], pooled.subarray(region.index * size, (region.index + 1) * size), `region ${region.index}`, 1e-5, 1e-6);
      });
    });
  });
});
