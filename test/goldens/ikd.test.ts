import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { attackStep } from '../../src/distillers/ikdAttack.ts';
import { ikdOptions } from '../../src/experiment/methods/ikd.ts';
import { buildDistillers, measure, setWeight, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS, type Execute } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly loss_type: 'mse' | 'l1' | 'cwd'; readonly alpha: number; readonly tau?: number; readonly attack: Readonly<Record<'eps' | 'step', string>> & { readonly momentum_decay: number } };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly loss: Readonly<Record<string, number>>;
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('ikd.json') as { readonly cases: readonly Case[] } | undefined;

const tensorOf = (record: Readonly<Record<string, GoldenTensor>>, name: string): GoldenTensor => {
  const tensor = record[name];
  if (tensor === undefined) throw new Error(`the golden has no ${name}`);
  return tensor;
};

const levelsOf = ({ inputs }: Case): number[] => Object.keys(inputs).flatMap((name) => (/^s_adv\d+$/.test(name) ? [Number(name.slice('s_adv'.length))] : [])).sort((a, b) => a - b);

/** `8/255 * largest channel range` → 8 / 255. */
const partOf = (words: string): number => {
  const [, above = '', below = '1'] = /^([\d.]+)\/([\d.]+)/.exec(words) ?? [];
  return Number(above) / Number(below);
};

async function run(golden: Case, levels: readonly number[], execute: Execute): Promise<Measured> {
  const features = (network: 's' | 't') => levels.map((level) => mapFromGolden(tensorOf(golden.inputs, `${network}_adv${level}`)));
  const student = features('s');
  const images = student[0]?.shape[0] ?? 0;
  const scene: Scene = {
    student: { features: student }, teacher: { features: features('t') }, classes: 1, anchorsPerCell: 1, grid: student.map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const),
    batch: {
      truth: Array.from({ length: images }, () => ({ boxes: [], labels: [], ignored: [] })), inputSize: golden.image_shape, contentSizes: Array.from({ length: images }, () => golden.image_shape), assignments: [],
    },
  };
  const { loss_type, alpha, tau } = golden.hyperparameters;
  const distillers = buildDistillers([ikdOptions.parse({ method: 'ikd', loss: loss_type, weight: alpha, ...(tau === undefined ? {} : { temperature: tau }) })], scene);
  for (const { name, variable } of distillers.flatMap(({ parameters }) => parameters.all())) {
    const [, place = '', part = ''] = /^distill\.ikd\.L(\d+)\.align\.(weight|bias)$/.exec(name) ?? [];
    setWeight(variable, weightFromGolden(tensorOf(golden.parameters, `align.${part}.${levels[Number(place)] ?? place}`)));
  }
  return measure(distillers, scene, execute);
}

describe.skipIf(goldens === undefined)('IKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { losses, gradients } = await run(golden, levelsOf(golden), execute);
      expectLoss(losses['ikd.adversarial'] ?? Number.NaN, golden.loss.total ?? Number.NaN, 'total');
      for (const [name, tensor] of Object.entries(golden.grads)) {
        const [, part = '', level = ''] = /^align\.(weight|bias)\.(\d+)$/.exec(name) ?? [];
        const place = levelsOf(golden).indexOf(Number(part === '' ? name.slice('s_adv'.length) : level));
        if (part === '') expectTensor(gradients[`features.${place}`] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
        else expectTensor(gradients[`distill.ikd.L${place}.align.${part}`] ?? [], weightFromGolden(tensor), name, 1e-3, GRADIENT_FLOOR);
      }
      for (const level of levelsOf(golden)) {
        const alone = await run(golden, [level], execute);
        expectLoss(alone.losses['ikd.adversarial'] ?? Number.NaN, golden.loss[`level${level}`] ?? Number.NaN, `level ${level}`);
      }
    });

    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s: a step of the attack', async (__, golden) => {
      const { eps, step, momentum_decay } = golden.hyperparameters.attack;
      const inputs = Object.fromEntries(['attack_image', 'attack_current', 'attack_momentum', 'attack_grad_of_minus_cls_loss'].map((name) => [name, mapFromGolden(tensorOf(golden.inputs, name))]));
      const outputs = await execute((tensors) => {
        const map = (name: string): tf.Tensor4D => tensors[name] as tf.Tensor4D;
        const next = attackStep(map('attack_image'), { images: map('attack_current'), momentum: map('attack_momentum') }, map('attack_grad_of_minus_cls_loss'), { epsilon: partOf(eps), step: partOf(step), momentum: momentum_decay });
        return { outputs: { attack_next_image: next.images, attack_next_momentum: next.momentum } };
      }, inputs, []);
      for (const [name, tensor] of Object.entries(golden.masks)) {
        expect(outputs[name], name).toBeDefined();
        expectTensor(outputs[name]?.data ?? [], mapFromGolden(tensor).data, name, 1e-5, 1e-7);
      }
    });
  });
});
