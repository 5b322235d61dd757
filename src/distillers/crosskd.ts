/**
 * CrossKD: Cross-Head Knowledge Distillation for Object Detection (Wang et al., CVPR 2024).
 * Letters as in `docs/methods/crosskd.md`: r blocks of the student's own, z cross-head logits, t the teacher's probabilities,
 * u its confidence.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorHead, type DetectorOutputs, type DetectorTraits, type HeadOutputs } from '../detectors/detector.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { crosskdCard, crosskdDefaults } from '../experiment/methods/crosskd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates, bestOfCell, codingOf } from './shared/assigned.ts';
import { alignHeld, crossHead, heldMaps } from './crosskdHead.ts';
import { confidences, crossInputs, crossLosses, type CrossSetting } from './crosskdLosses.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { at, mapLevels } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type CrosskdConfig = Extract<MethodConfig, { method: 'crosskd' }>;

// Taps: what both towers of both heads hold after r blocks, and the teacher's predictions.

/** r: published as 3 of 4 blocks, for FCOS 2 of 4. */
function reusedBlocks({ reuse }: CrosskdConfig, { detector, towers }: DetectorTraits): number {
  return reuse ?? Math.max(0, (towers?.blocks ?? 0) - (detector === 'fcos' ? 2 : 1));
}

function teacherHead({ networks }: DistillerContext): DetectorHead {
  if (networks?.teacher === undefined) throw new Error('CrossKD sends features through the teacher\'s head, and was given none');
  return networks.teacher.head;
}

// Adapters: none. The teacher's layers do not learn.

// Loss: w_c Σ m |σ(z) − t|^β BCE(σ(z), t) / n + w_r Σ u d(boxes) + w_o Σ BCE(centerness) / n, summed over levels.

function weighted(losses: ReturnType<typeof crossLosses>, config: CrosskdConfig, { detector }: DetectorTraits): Record<string, tf.Scalar> {
  const published = crosskdDefaults(detector);
  const weights = { classification: config.classification ?? published.classification, box: config.box ?? published.box, centerness: config.centerness };
  return Object.fromEntries(Object.entries(losses).map(([part, loss]) => [part, tf.mul<tf.Scalar>(loss, config.weight * weights[part as keyof typeof weights])]));
}

// Pictures: where the teacher is sure, what the three kinds of predictions score, how far the cross-head ones are from the teacher's.

function levelPictures(index: number, setting: CrossSetting, outputs: Readonly<Record<'teacher' | 'student' | 'cross', Pick<HeadOutputs, 'logits'>>>, confidence: tf.Tensor2D, energy: tf.Tensor4D): Picture[] {
  const level = at(setting.levels, index);
  const probabilities = ({ logits }: Pick<HeadOutputs, 'logits'>): tf.Tensor3D => tf.sigmoid(asCandidates(at(logits, index), setting.classes));
  const [teacher, student, cross] = [probabilities(outputs.teacher), probabilities(outputs.student), probabilities(outputs.cross)];
  const map = (kind: string, role: Picture['role'], values: tf.Tensor): Picture => ({ kind, role, level: level.name, values: bestOfCell(values, level) });
  return [
    map('confidence', 'teacher', confidence),
    map('score', 'teacher', tf.max(teacher, 2)),
    map('score', 'student', tf.max(student, 2)),
    map('crossScore', 'student', tf.max(cross, 2)),
    map('gap', 'difference', tf.max(tf.abs(tf.sub(cross, teacher)), 2)),
    { kind: 'energy', role: 'student', level: level.name, values: tf.mean(tf.square(energy), 3) },
  ];
}

function create(config: CrosskdConfig, context: DistillerContext): Distiller {
  const { teacher: traits, student: own, inputSize } = context;
  const block = reusedBlocks(config, traits);
  const setting: CrossSetting = {
    levels: mapLevels(own, inputSize), classes: own.classes.length, anchorsPerCell: own.anchorsPerCell, coding: codingOf(traits), inputSize, beta: config.beta,
  };
  const cross = (teacher: DetectorOutputs, student: DetectorOutputs): HeadOutputs => crossHead(teacherHead(context), block, heldMaps(student, block), heldMaps(teacher, block));
  return {
    id: 'crosskd',
    parameters: new Parameters(context.random),
    inputs: (batch) => crossInputs(batch, setting, codingOf(own)),
    loss: (teacher, student, inputs) => weighted(crossLosses(cross(teacher, student), teacher, setting, inputs), config, own),
    pictures: (teacher, student, inputs: Inputs) => {
      const outputs = { teacher, student, cross: cross(teacher, student) };
      const [weights, { classification }] = [confidences(teacher, setting, inputs), alignHeld(heldMaps(student, block), heldMaps(teacher, block))];
      return setting.levels.flatMap((_, index) => levelPictures(index, setting, outputs, at(weights, index), at(classification, index)));
    },
  };
}

function enoughBlocks(config: CrosskdConfig, teacher: DetectorTraits): DistillError[] {
  const blocks = teacher.towers?.blocks ?? 0;
  if (config.reuse === undefined || config.reuse <= blocks) return [];
  return [new DistillError('DL560', `\`reuse\` is ${config.reuse}, but the towers of the heads have ${blocks} blocks.`, {
    expected: `0 to ${blocks}`, got: String(config.reuse), advice: 'Lower `reuse`, or leave it out to take the published share of the towers.',
  })];
}

export const crosskd: Method<CrosskdConfig> = {
  ...crosskdCard,
  pictures: {
    confidence: { title: 'Teacher\'s confidence', form: 'map', caption: 'What weighs the box part: the teacher\'s highest class probability, the best anchor of each cell; 0 where candidates are ignored.' },
    score: { title: 'Class score', form: 'map', caption: 'The highest class probability of each cell.' },
    crossScore: { title: 'Cross-head score', form: 'map', caption: 'What the rest of the teacher\'s head makes of the student\'s features: its highest class probability of each cell.' },
    gap: { title: 'Cross-head gap', form: 'map', caption: 'The largest difference between a cross-head probability and the teacher\'s: what the loss is to close.' },
    energy: { title: 'Aligned features', form: 'map', caption: 'Mean square over channels of the student\'s class features, brought to the teacher\'s scale, as the teacher\'s head receives them.' },
  },
  problems: (teacher, student, config) => [...collect(teacher, student, sharing(crosskdCard)), ...enoughBlocks(config, teacher)],
  create,
};
