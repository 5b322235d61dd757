import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { alignment } from '../../src/distillers/shared/align.ts';
import { boundActive, boundedLoss, hardClassLoss, hintLoss, smoothLoss, softClassLoss, type BoxRows, type ClassRows } from '../../src/distillers/chenRows.ts';
import { float32, int32, type HostTensors } from '../../src/engine/hostTensor.ts';
import { Parameters } from '../../src/engine/parameters.ts';
import { Random } from '../../src/engine/random.ts';
import { setWeight } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { runLosses } from './support/run.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly temperature: number; readonly mu: number; readonly nu: number; readonly margin: number; readonly lambda_reg: number; readonly gamma_hint: number;
    readonly background_weight: number; readonly background_index: number; readonly foreground_weight: number; readonly hint_norm: 'l1' | 'l2';
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: Readonly<Record<'total' | 'hard' | 'soft' | 'cls' | 'smooth_l1' | 'bounded' | 'reg' | 'hint', number>>;
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('chen2017.json') as { readonly cases: readonly Case[] } | undefined;

/** `adapt_weight_0` → `hint.0.weight`. */
const ourName = (name: string): string => name.replace(/^adapt_(weight|bias)_(\d+)$/, 'hint.$2.$1');

describe.skipIf(goldens === undefined)('Chen et al. 2017 against the equations', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, { hyperparameters: of, inputs, parameters: stored, loss, grads, masks }) => {
      const labels = inputs.labels?.data ?? [];
      const [rows, classes] = inputs.student_cls_logits?.shape ?? [];
      const layers = Object.keys(inputs).filter((name) => /^student_hint_\d+$/.test(name)).length;
      const tensors: HostTensors = {
        ...Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.shape.length === 4 ? mapFromGolden(tensor) : float32(tensor.shape, Float32Array.from(tensor.data))])),
        labels: int32([rows ?? 0], Int32Array.from(labels)),
        weights: float32([rows ?? 0], new Float32Array(labels.length).fill(1 / labels.length)),
        foreground: float32([rows ?? 0], Float32Array.from(labels, (label) => (label === of.background_index ? 0 : 1 / labels.length))),
      };
      const parameters = new Parameters(Random.of(1));
      const adapters = Array.from({ length: layers }, (___, layer) => alignment(parameters, `hint.${layer}`, inputs[`student_hint_${layer}`]?.shape[1] ?? 0, inputs[`teacher_hint_${layer}`]?.shape[1] ?? 0));
      for (const [name, tensor] of Object.entries(stored)) {
        const parameter = parameters.get(ourName(name));
        expect(parameter, name).toBeDefined();
        if (parameter !== undefined) setWeight(parameter.variable, weightFromGolden(tensor));
      }
      const tensor = (given: Readonly<Record<string, tf.Tensor>>, name: string): tf.Tensor => given[name] as tf.Tensor;
      const classRows = (given: Readonly<Record<string, tf.Tensor>>): ClassRows => ({
        student: tensor(given, 'student_cls_logits') as tf.Tensor2D, teacher: tensor(given, 'teacher_cls_logits') as tf.Tensor2D, labels: tensor(given, 'labels') as tf.Tensor1D, weights: tensor(given, 'weights') as tf.Tensor1D,
      });
      const boxRows = (given: Readonly<Record<string, tf.Tensor>>): BoxRows => ({
        student: tensor(given, 'student_deltas') as tf.Tensor2D, teacher: tensor(given, 'teacher_deltas') as tf.Tensor2D, target: tensor(given, 'target_deltas') as tf.Tensor2D, weights: tensor(given, 'foreground') as tf.Tensor1D,
      });
      const classWeights = Array.from({ length: classes ?? 0 }, (___, index) => (index === of.background_index ? of.background_weight : of.foreground_weight));
      const { losses, gradients, shown } = await runLosses(tensors, {
        watched: Object.keys(grads).filter((name) => name.startsWith('student')),
        parameters: parameters.all(),
        losses: (given) => ({
          hard: tf.mul(hardClassLoss(classRows(given)), of.mu),
          soft: tf.mul(softClassLoss(classRows(given), classWeights, of.temperature), 1 - of.mu),
          smooth: tf.mul(smoothLoss(boxRows(given)), of.lambda_reg),
          bounded: tf.mul(boundedLoss(boxRows(given), of.margin), of.lambda_reg * of.nu),
          hint: tf.mul<tf.Scalar>(tf.addN(adapters.map((adapter, layer) => hintLoss(adapter(tensor(given, `student_hint_${layer}`) as tf.Tensor4D), tensor(given, `teacher_hint_${layer}`) as tf.Tensor4D, of.hint_norm))), of.gamma_hint),
        }),
        shown: (given) => ({ active: tf.mul(boundActive(boxRows(given), of.margin), tf.cast(tf.greater(tensor(given, 'foreground'), 0), 'float32')) }),
      }, execute);
      expectLoss(losses.hard ?? Number.NaN, of.mu * loss.hard, 'hard');
      expectLoss(losses.soft ?? Number.NaN, (1 - of.mu) * loss.soft, 'soft');
      expectLoss(losses.smooth ?? Number.NaN, of.lambda_reg * loss.smooth_l1, 'smooth');
      expectLoss(losses.bounded ?? Number.NaN, of.lambda_reg * of.nu * loss.bounded, 'bounded');
      expectLoss(losses.hint ?? Number.NaN, of.gamma_hint * loss.hint, 'hint');
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), loss.total, 'total');
      for (const [name, golden] of Object.entries(grads)) {
        const expected = name.startsWith('student_hint') ? mapFromGolden(golden).data : weightFromGolden(golden);
        expectTensor(gradients[ourName(name)] ?? [], expected, name, 1e-3, GRADIENT_FLOOR);
      }
      expectTensor(shown.active?.data ?? [], masks.bounded_active?.data ?? [], 'bounded_active', 1e-5, 1e-7);
    });
  });
});
