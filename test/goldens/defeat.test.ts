import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { regionClassParts } from '../../src/distillers/defeatHead.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { float32 } from '../../src/engine/hostTensor.ts';
import { defeatOptions } from '../../src/experiment/methods/defeat.ts';
import { buildDistillers, expectGradients, loadAdapters, measure, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, levelsFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly hint_neck_w: number; readonly hint_neck_back_w: number; readonly head_cls_w: number; readonly head_cls_back_w: number; readonly head_cls_T: number; readonly strides: readonly number[] };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly roi_labels?: readonly number[];
  readonly loss: { readonly neck_fg: number; readonly neck_bg: number; readonly head_fg?: number; readonly head_bg?: number; readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('defeat.json') as { readonly cases: readonly Case[] } | undefined;
const ROI_LOGITS = 'student_roi_logits';

function sceneOf({ inputs, hyperparameters: { strides }, gt_boxes, image_shape }: Case): Scene {
  const student = { features: levelsFromGolden(inputs, 'student_l') };
  const traits = { levels: strides.map((stride, level) => ({ name: `L${level}`, stride })) };
  return {
    student, teacher: { features: levelsFromGolden(inputs, 'teacher_l') }, classes: 1, anchorsPerCell: 1,
    grid: student.features.map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const), traits: { student: traits, teacher: traits },
    batch: {
      truth: gt_boxes.map((boxes) => ({ boxes, labels: boxes.map(() => 0), ignored: [] })), inputSize: image_shape,
      contentSizes: gt_boxes.map(() => image_shape), assignments: [],
    },
  };
}

/** `student_l0` → `features.0`, `0.0.weight` → `distill.defeat.L0.align.weight`. */
function ourName(name: string): string {
  return name.startsWith('student') ? `features.${/\d+$/.exec(name)?.[0] ?? ''}` : name.replace(/^(\d+)\.0\./, 'distill.defeat.L$1.align.');
}

describe.skipIf(goldens === undefined)('DeFeat against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { hint_neck_w, hint_neck_back_w } = golden.hyperparameters;
      const scene = sceneOf(golden);
      const distillers = buildDistillers([defeatOptions.parse({ method: 'defeat', foreground: hint_neck_w, background: hint_neck_back_w })], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      const { losses, gradients, pictures } = await measure(distillers, scene, execute);
      expectLoss(losses['defeat.foreground'] ?? Number.NaN, golden.loss.neck_fg, 'foreground');
      expectLoss(losses['defeat.background'] ?? Number.NaN, golden.loss.neck_bg, 'background');
      const neck = Object.values(losses).reduce((sum, value) => sum + value, 0);
      expectLoss(neck + (golden.loss.head_fg ?? 0) + (golden.loss.head_bg ?? 0), golden.loss.total, 'total');
      expectGradients(gradients, Object.fromEntries(Object.entries(golden.grads).filter(([key]) => key !== ROI_LOGITS)), ourName);
      for (const [name, { shape, data }] of Object.entries(golden.masks)) {
        const picture = pictures[`defeat.objects.shared.L${/\d+$/.exec(name)?.[0] ?? ''}`];
        expect(picture?.shape, name).toEqual(shape);
        expect([...picture?.data ?? []], name).toEqual([...data]);
      }
    });

    it.each(goldens?.cases.filter(({ inputs }) => ROI_LOGITS in inputs).map((golden) => [golden.name, golden] as const) ?? [])('%s: class logits of regions', async (__, golden) => {
      const { head_cls_w, head_cls_back_w, head_cls_T } = golden.hyperparameters;
      const [own, other] = [golden.inputs[ROI_LOGITS], golden.inputs.teacher_roi_logits].map((tensor) => float32(tensor?.shape ?? [], Float32Array.from(tensor?.data ?? [])));
      const background = (own?.shape[1] ?? 0) - 1;
      const set = (counts: (label: number) => boolean): ReturnType<typeof float32> => float32([golden.roi_labels?.length ?? 0], Float32Array.from(golden.roi_labels ?? [], (label) => (counts(label) ? 1 : 0)));
      const inputs = { ...(own === undefined || other === undefined ? {} : { own, other }), positives: set((label) => label < background), negatives: set((label) => label === background) };
      const results = await execute(({ own: student, other: teacher, positives, negatives }) => {
        const parts: Record<string, tf.Scalar> = {};
        const { value, grad } = tf.valueAndGrad((logits: tf.Tensor) => {
          const { foreground, background: rest } = regionClassParts(logits, teacher as tf.Tensor, positives as tf.Tensor, negatives as tf.Tensor, head_cls_T);
          parts.foreground = tf.keep(tf.mul(foreground, head_cls_w));
          parts.background = tf.keep(tf.mul(rest, head_cls_back_w));
          return tf.add<tf.Scalar>(parts.foreground, parts.background);
        })(student as tf.Tensor);
        return { outputs: { ...parts, value, grad } };
      }, inputs, []);
      expectLoss(results.foreground?.data[0] ?? Number.NaN, golden.loss.head_fg ?? 0, 'foreground');
      expectLoss(results.background?.data[0] ?? Number.NaN, golden.loss.head_bg ?? 0, 'background');
      expectTensor(results.grad?.data ?? [], golden.grads[ROI_LOGITS]?.data ?? [], ROI_LOGITS, 1e-3, GRADIENT_FLOOR);
    });
  });
});
