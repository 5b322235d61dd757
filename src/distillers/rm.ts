/**
 * RM: rank mimicking (Li et al., "Knowledge Distillation for Object Detection via Rank Mimicking and Prediction-guided Feature
 * Imitation", AAAI 2022). Letters as in `docs/methods/rm.md`: u, v scores of student and teacher, q, p their softmax over Ω, the
 * candidates of one object. No official code exists; what is a reading of the paper has an option.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';
import { groupDivergence, groupLogSoftmax, groupSoftmax, matchRanks, type Groups } from '../engine/ops/groups.ts';
import { pick } from '../engine/ops/pick.ts';
import { Parameters } from '../engine/parameters.ts';
import { rmCard } from '../experiment/methods/rm.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { at, fed, mapLevels } from './shared/maps.ts';
import { collect, decodableBoxes, sharing } from './shared/pairing.ts';
import { decodeBoxes, objectBoxInputs } from './shared/objectBoxes.ts';
import { candidateGroups, candidateInputs, type Layout } from './rmCandidates.ts';
import { objectInputs, rankAgreement, topBoxes } from './rmObjects.ts';

export type RmConfig = Extract<MethodConfig, { method: 'rm' }>;

// Taps: class logits (and box regression, for the localisation rank) of both networks, at the student's own candidates.

/** Score of each slot's object class before any squashing, [M]. */
function classLogits({ logits }: DetectorOutputs, { levels }: Layout, inputs: Inputs): tf.Tensor1D {
  const byLevel = levels.map(({ name }, index) => {
    const map = at(logits, index);
    const picked = pick(map, fed(inputs, `score.${name}`) as tf.Tensor2D);
    return tf.reshape(picked, [map.shape[0], picked.size / map.shape[0]]);
  });
  const all = tf.concat(byLevel, 1);
  return tf.reshape(all, [all.size]);
}

// Adapters: none.

// Loss: L_RM = α Σ weight · KL(p ‖ q), p and q by softmax over the candidates of one object.

function rankScores(outputs: DetectorOutputs, layout: Layout, config: RmConfig, inputs: Inputs): tf.Tensor1D {
  const logits = classLogits(outputs, layout, inputs);
  return tf.mul(config.score === 'probability' ? tf.sigmoid(logits) : logits, 1 / config.temperature);
}

/** IoU of each slot's decoded box with its object's. */
function fitScores(outputs: DetectorOutputs, traits: DetectorTraits, { inputSize }: DistillerContext, temperature: number, inputs: Inputs): tf.Tensor1D {
  if (traits.boxCoding === undefined) throw new Error('the localisation rank needs a box coding');
  const fit = boxIou(decodeBoxes(outputs.regression, traits.boxCoding, inputSize), fed(inputs, 'boxes'));
  return tf.mul(tf.reshape(fit, [fit.size]), 1 / temperature);
}

function divergence(student: tf.Tensor1D, teacher: tf.Tensor1D, sorted: boolean, groups: Groups): tf.Scalar {
  const target = detached(() => {
    const own = groupLogSoftmax(teacher, groups);
    return sorted ? matchRanks(own, teacher, student, groups) : own;
  });
  return groupDivergence(student, target, groups);
}

// Pictures: the ranks themselves, where the candidates lie; by object the first of each ranking and how far the two agree.

function rankPictures(student: tf.Tensor1D, teacher: tf.Tensor1D, kind: string, layout: Layout, groups: Groups): Picture[] {
  const [q, p] = [student, teacher].map((scores) => cellMaxima(groupSoftmax(groupLogSoftmax(scores, groups), groups), layout));
  return layout.levels.flatMap(({ name }, index): Picture[] => {
    const [own, other] = [at(q ?? [], index), at(p ?? [], index)];
    return [
      { kind, role: 'teacher', level: name, values: other },
      { kind, role: 'student', level: name, values: own },
      { kind, role: 'difference', level: name, values: tf.sub(own, other) },
    ];
  });
}

/** The largest value among a cell's anchors, [N, H, W] by level. @param values [M], slot by slot. */
function cellMaxima(values: tf.Tensor1D, { levels, anchorsPerCell }: Layout): tf.Tensor3D[] {
  const slots = levels.reduce((sum, { places }) => sum + places * anchorsPerCell, 0);
  const batch = values.size / slots;
  const parts = tf.split(tf.reshape(values, [batch, slots]), levels.map(({ places }) => places * anchorsPerCell), 1);
  return levels.map(({ rows, columns }, index) => tf.max(tf.reshape(at(parts, index), [batch, rows, columns, anchorsPerCell]), 3));
}

/** One network's first choices; none where its boxes cannot be decoded. */
function firstChoices(role: Picture['role'], scores: tf.Tensor1D, outputs: DetectorOutputs, traits: DetectorTraits, layout: Layout, { inputSize }: DistillerContext, inputs: Inputs): Picture[] {
  if (traits.boxCoding === undefined) return [];
  return [topBoxes(role, scores, decodeBoxes(outputs.regression, traits.boxCoding, inputSize), tf.sigmoid(classLogits(outputs, layout, inputs)), candidateGroups(inputs), inputs)];
}

function create(config: RmConfig, context: DistillerContext): Distiller {
  const { teacher: teacherTraits, student: studentTraits } = context;
  const layout: Layout = {
    levels: mapLevels(studentTraits, context.inputSize), anchorsPerCell: studentTraits.anchorsPerCell, classes: studentTraits.classes.length,
  };
  const localises = config.localisation > 0;
  const scoresOf = (teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs): [tf.Tensor1D, tf.Tensor1D] =>
    [rankScores(student, layout, config, inputs), detached(() => rankScores(teacher, layout, config, inputs))];
  const fitsOf = (teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs): [tf.Tensor1D, tf.Tensor1D] => [
    fitScores(student, studentTraits, context, config.temperature, inputs),
    detached(() => fitScores(teacher, teacherTraits, context, config.temperature, inputs)),
  ];
  return {
    id: 'rm',
    parameters: new Parameters(context.random),
    inputs: (batch) => ({ ...candidateInputs(batch, layout, config.reduction), ...objectInputs(batch), ...(localises ? objectBoxInputs(batch) : {}) }),
    loss: (teacher, student, inputs) => {
      const groups = candidateGroups(inputs);
      const part = (scores: [tf.Tensor1D, tf.Tensor1D], weight: number): tf.Scalar => tf.mul(divergence(...scores, config.sorted, groups), weight);
      return {
        rank: part(scoresOf(teacher, student, inputs), config.weight),
        ...(localises ? { localisation: part(fitsOf(teacher, student, inputs), config.localisation) } : {}),
      };
    },
    pictures: (teacher, student, inputs) => {
      const groups = candidateGroups(inputs);
      const [own, other] = scoresOf(teacher, student, inputs);
      return [
        ...rankPictures(own, other, 'rank', layout, groups),
        ...firstChoices('teacher', other, teacher, teacherTraits, layout, context, inputs),
        ...firstChoices('student', own, student, studentTraits, layout, context, inputs),
        rankAgreement(own, other, groups, inputs),
        ...(localises ? rankPictures(...fitsOf(teacher, student, inputs), 'localisationRank', layout, groups) : []),
      ];
    },
  };
}

export const rm: Method<RmConfig> = {
  ...rmCard,
  pictures: {
    rank: { title: 'Candidate ranks', form: 'map', signed: true, caption: 'How the network ranks the boxes that compete for an object: softmax of their class scores over the object\'s candidates, the best anchor of each cell; 0 where no candidate is.' },
    topBox: { title: 'First choice of each object', form: 'boxes', caption: 'The candidate that the network ranks first for each object, decoded to its box, in the colour of its class score; up to 24 objects.' },
    agreement: { title: 'Agreement of the rankings', form: 'boxes', caption: 'Each object in the colour of Spearman\'s correlation between both rankings of its candidates: 1 the same order, 0 no relation, −1 the reverse. An object with one candidate has none.' },
    localisationRank: { title: 'Candidate ranks by fit', form: 'map', signed: true, caption: 'The same ranking by how well each candidate\'s box fits its object: softmax of the IoU over the object\'s candidates.' },
  },
  problems: (teacher, student, { localisation }) => collect(teacher, student, [...sharing(rmCard), ...(localisation > 0 ? [decodableBoxes] : [])]),
  create,
};
