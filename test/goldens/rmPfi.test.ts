import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../src/detectors/detector.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { float32 } from '../../src/engine/hostTensor.ts';
import { pfiOptions } from '../../src/experiment/methods/pfi.ts';
import { rmOptions } from '../../src/experiment/methods/rm.ts';
import { buildDistillers, expectGradients, loadAdapters, measure, type Maps, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface RankCase {
  readonly name: string;
  readonly hyperparameters: {
    readonly alpha_rm: number; readonly beta_pfi: number; readonly rm_score: 'prob' | 'logit'; readonly rm_tau: number; readonly rm_reduction: 'image' | 'batch'; readonly rm_sorted: boolean;
    readonly pfi_score: 'prob' | 'logit'; readonly pfi_form: 'mean' | 'squared' | 'norm'; readonly pfi_detach_prediction: boolean; readonly num_classes: number; readonly num_anchors: number;
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly gt_labels: readonly (readonly number[])[];
  readonly assignment: { readonly gt_inds: readonly (readonly number[])[] };
  readonly loss: { readonly total: number; readonly rm: number; readonly pfi: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

/** Boxes of one image's candidates in place of maps. */
interface BoxCase {
  readonly name: string;
  readonly hyperparameters: { readonly rm_tau: number };
  readonly inputs: { readonly student_boxes: GoldenTensor; readonly teacher_boxes: GoldenTensor };
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly assignment: { readonly gt_inds: readonly (readonly number[])[] };
  readonly loss: { readonly rm_loc: number };
  readonly grads: { readonly student_boxes: GoldenTensor };
}

const goldens = readGoldens('rm-pfi.json') as { readonly cases: readonly (RankCase | BoxCase)[] } | undefined;
const isBoxCase = (golden: RankCase | BoxCase): golden is BoxCase => 'student_boxes' in golden.inputs;
const rankCases = goldens?.cases.filter((golden): golden is RankCase => !isBoxCase(golden)) ?? [];
const boxCases = goldens?.cases.filter(isBoxCase) ?? [];

const PICTURES: Readonly<Record<string, string>> = { prediction_difference: 'predictionDifference', feature_difference: 'featureDifference' };

function mapsOf(network: string, inputs: RankCase['inputs']): Maps {
  const levels = (kind: string): GoldenTensor[] => Array.from({ length: Object.keys(inputs).length }, (_, level) => inputs[`${network}_${kind}_l${level}`]).filter((tensor) => tensor !== undefined);
  return { features: levels('feat').map(mapFromGolden), logits: levels('cls').map(mapFromGolden) };
}

function sceneOf({ inputs, hyperparameters, gt_labels, assignment }: RankCase): Scene {
  const student = mapsOf('student', inputs);
  return {
    student, teacher: mapsOf('teacher', inputs), classes: hyperparameters.num_classes, anchorsPerCell: hyperparameters.num_anchors,
    grid: (student.logits ?? []).map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const),
    batch: {
      truth: gt_labels.map((labels) => ({ boxes: labels.map(() => [0, 0, 1, 1] as const), labels, ignored: [] })),
      inputSize: [64, 64], contentSizes: gt_labels.map(() => [64, 64] as const), assignments: assignment.gt_inds.map((objects) => Int32Array.from(objects)),
    },
  };
}

function configsOf({ hyperparameters: of }: RankCase): Parameters<typeof buildDistillers>[0] {
  const word = { prob: 'probability', logit: 'logit' } as const;
  return [
    rmOptions.parse({ method: 'rm', weight: of.alpha_rm, temperature: of.rm_tau, score: word[of.rm_score], sorted: of.rm_sorted, reduction: of.rm_reduction }),
    pfiOptions.parse({ method: 'pfi', weight: of.beta_pfi, form: of.pfi_form, prediction: word[of.pfi_score], detachPrediction: of.pfi_detach_prediction }),
  ];
}

/** `student_cls_l0` → `logits.0`, `0.weight` → `distill.pfi.L0.align.weight`. */
function ourName(name: string): string {
  const map = /^student_(cls|feat)_l(\d+)$/.exec(name);
  if (map !== null) return `${map[1] === 'cls' ? 'logits' : 'features'}.${map[2] ?? ''}`;
  return name.replace(/^(\d+)\./, 'distill.pfi.L$1.align.');
}

function compare(golden: RankCase, { losses, gradients, pictures }: Measured): void {
  const { alpha_rm, beta_pfi } = golden.hyperparameters;
  const [rank, imitation] = [losses['rm.rank'] ?? Number.NaN, losses['pfi.imitation'] ?? Number.NaN];
  expectLoss(rank / alpha_rm, golden.loss.rm, 'rm');
  expectLoss(imitation / beta_pfi, golden.loss.pfi, 'pfi');
  expectLoss(rank + imitation, golden.loss.total, 'total');
  expectGradients(gradients, golden.grads, ourName);
  for (const [name, { shape, data }] of Object.entries(golden.masks)) {
    const [, kind = '', level = ''] = /^(.*)_l(\d+)$/.exec(name) ?? [];
    const picture = pictures[`pfi.${PICTURES[kind] ?? kind}.difference.L${level}`];
    expect(picture?.shape, name).toEqual(shape);
    expectTensor(picture?.data ?? [], data, name, 1e-5, 1e-7);
  }
}

describe.skipIf(goldens === undefined)('RM and PFI against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(rankCases.map((golden) => [golden.name, golden] as const))('%s', async (__, golden) => {
      const scene = sceneOf(golden);
      const distillers = buildDistillers(configsOf(golden), scene);
      loadAdapters(distillers, golden.parameters, ourName);
      compare(golden, await measure(distillers, scene, execute));
    });

    // The stored boxes are the student's anchors with deltas of 0, so that gradients of deltas are those of the boxes.
    it.each(boxCases.map((golden) => [golden.name, golden] as const))('%s', async (__, golden) => {
      const scene = boxScene(golden);
      const config = rmOptions.parse({ method: 'rm', weight: 0, localisation: 2, temperature: golden.hyperparameters.rm_tau });
      const { losses, gradients } = await measure(buildDistillers([config], scene), scene, execute);
      expectLoss((losses['rm.localisation'] ?? Number.NaN) / 2, golden.loss.rm_loc, 'rm_loc');
      const { data: boxes } = golden.inputs.student_boxes;
      expectTensor((gradients['regression.0'] ?? []).map((value) => value / 2), deltaGradients(boxes, golden.grads.student_boxes.data), 'student_boxes', 1e-3, GRADIENT_FLOOR);
    });
  });
});

function boxScene({ inputs: { student_boxes, teacher_boxes }, gt_boxes, assignment }: BoxCase): Scene {
  const candidates = student_boxes.shape[0] ?? 0;
  const traits = (boxes: readonly number[]): Partial<DetectorTraits> => ({
    boxCoding: deltaCoding({ anchors: () => Float32Array.from(boxes), perLevel: () => [candidates], deviations: [1, 1, 1, 1], limits: { least: Math.log(16 / 1000), most: Math.log(1000 / 16) } }),
  });
  const maps = (): Maps => ({ logits: [float32([1, 1, candidates, 1])], regression: [float32([1, 1, candidates, 4])] });
  return {
    student: maps(), teacher: maps(), classes: 1, anchorsPerCell: 1, grid: [[1, candidates]],
    batch: {
      truth: gt_boxes.map((boxes) => ({ boxes, labels: boxes.map(() => 0), ignored: [] })),
      inputSize: [96, 128], contentSizes: [[96, 128]], assignments: assignment.gt_inds.map((objects) => Int32Array.from(objects)),
    },
    traits: { student: traits(student_boxes.data), teacher: traits(teacher_boxes.data) },
  };
}

/** From gradients of corners to those of deltas at 0: the centre moves both corners by a side, the log side by half of it, apart. */
function deltaGradients(boxes: readonly number[], corners: readonly number[]): number[] {
  const value = (values: readonly number[], index: number): number => values[index] ?? Number.NaN;
  return boxes.map((_, index) => {
    const [start, axis, isSide] = [index - (index % 4), index % 2, index % 4 >= 2];
    const side = value(boxes, start + axis + 2) - value(boxes, start + axis);
    const [low, high] = [value(corners, start + axis), value(corners, start + axis + 2)];
    return isSide ? (side / 2) * (high - low) : side * (low + high);
  });
}
