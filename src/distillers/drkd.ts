/**
 * DRKD: Dual Relation Knowledge Distillation for Object Detection (Ni et al., IJCAI 2023).
 * Letters as in `docs/methods/drkd.md`: G graph units, R pooled objects, A their attention, z objects with what they took of others.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { regionInputs, roiAlign, type RegionLayout } from '../engine/ops/roiAlign.ts';
import { rowNorms, wholeNorm } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { drkdCard } from '../experiment/methods/drkd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment } from './shared/align.ts';
import { featureScaler } from './shared/deviations.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { graphUnit, relationUnit, type GraphUnit, type Related, type RelationUnit } from './drkdUnits.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { largestBoxes } from './shared/slots.ts';

export type DrkdConfig = Extract<MethodConfig, { method: 'drkd' }>;

// Taps: features of every level, and the objects of the finest ones, pooled where they are annotated.

interface Pooled {
  /** [N·R, G, G, C]. */
  readonly student: tf.Tensor4D;
  readonly teacher: tf.Tensor4D;
  /** [N, R]. */
  readonly filled: tf.Tensor2D;
}

function objectLayout(levels: readonly MapLevel[], { student }: DistillerContext, { maxObjects, poolSize, relationLevels }: DrkdConfig): RegionLayout {
  const maps = levels.slice(0, relationLevels).map(({ rows, columns }, index) => ({ rows, columns, stride: at(student.levels, index).stride }));
  return { maps, slots: maxObjects, sampling: { output: poolSize, samples: 'adaptive', aligned: false } };
}

function poolObjects(teacher: tf.Tensor4D, student: tf.Tensor4D, level: number, inputs: Inputs): Pooled {
  const [rows, columns] = [fed(inputs, `objects.rows.${level}`), fed(inputs, `objects.columns.${level}`)];
  return { student: roiAlign(student, rows, columns), teacher: detached(() => roiAlign(teacher, rows, columns)), filled: fed(inputs, 'objects.filled') as tf.Tensor2D };
}

// Adapters: graph and relation units on either side, all trained, and 1×1 convolutions of what the student's units give.

interface Relations {
  readonly student: RelationUnit;
  readonly teacher: RelationUnit;
  readonly align: Layer;
  readonly foreground: Layer;
}

interface LevelAdapters {
  readonly student: GraphUnit;
  readonly teacher: GraphUnit;
  readonly align: Layer;
  /** Left out on levels whose objects are not related. */
  readonly relations?: Relations;
}

function createAdapters(parameters: Parameters, levels: readonly MapLevel[], config: DrkdConfig, { teacher, student }: DistillerContext): LevelAdapters[] {
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  const nodes = config.graphNodes ?? [Math.max(1, Math.floor(to / 4)), Math.max(1, Math.floor(to / 4)), to];
  const cells = config.poolSize ** 2;
  const slots = config.filter === 'fixed' ? config.maxObjects : undefined;
  return levels.map(({ name }, index) => {
    const prefix = `distill.drkd.${name}`;
    const graph = (side: string, channels: number): GraphUnit =>
      graphUnit(parameters, `${prefix}.${side}.graph`, { channels, nodes: at(nodes, Math.min(index, nodes.length - 1)), average: config.normalizeGraph });
    const own = { student: graph('student', from), teacher: graph('teacher', to), align: alignment(parameters, `${prefix}.graphAlign`, from, to) };
    if (index >= config.relationLevels) return own;
    const relation = (side: string, channels: number): RelationUnit => relationUnit(parameters, `${prefix}.${side}.relation`, cells * channels, slots);
    return {
      ...own,
      relations: {
        student: relation('student', from), teacher: relation('teacher', to),
        align: alignment(parameters, `${prefix}.relationAlign`, from, to), foreground: alignment(parameters, `${prefix}.foregroundAlign`, from, to),
      },
    };
  });
}

// Loss: lengths of differences: of the whole maps after the graphs, and of each image's objects with and without their relations.

type Part = 'pixel' | 'instance' | 'foreground';
const PARTS: readonly Part[] = ['pixel', 'instance', 'foreground'];

/** Out of reach of gradients; the weights of the teacher's units still learn. */
function fixed(map: tf.Tensor4D): tf.Tensor4D {
  return detached(() => tf.clone(map));
}

function pixelLoss(teacher: tf.Tensor4D, student: tf.Tensor4D, adapters: LevelAdapters): tf.Scalar {
  return wholeNorm(tf.sub(adapters.align(adapters.student(student)), adapters.teacher(fixed(teacher))));
}

function relate({ student, teacher, filled }: Pooled, relations: Relations): { student: Related; teacher: Related } {
  const rows = (objects: tf.Tensor4D): tf.Tensor3D => tf.reshape(objects, [filled.shape[0], filled.shape[1], objects.size / filled.size]);
  return { student: relations.student(rows(student), filled), teacher: relations.teacher(rows(teacher), filled) };
}

/** Σ over images of the length of the difference over all of an image's objects. @param student, teacher [N·R, G, G, C] */
function objectDistance(student: tf.Tensor4D, teacher: tf.Tensor4D, filled: tf.Tensor2D): tf.Scalar {
  const difference = tf.mul(tf.sub(student, teacher), tf.reshape(filled, [filled.size, 1, 1, 1]));
  return tf.sum(rowNorms(tf.reshape(difference, [filled.shape[0], difference.size / filled.shape[0]])));
}

function instanceLosses(pooled: Pooled, relations: Relations): { instance: tf.Scalar; foreground: tf.Scalar } {
  const { student, teacher } = relate(pooled, relations);
  const asRegions = (features: tf.Tensor3D, like: tf.Tensor4D): tf.Tensor4D => tf.reshape(features, like.shape);
  return {
    instance: objectDistance(relations.align(asRegions(student.features, pooled.student)), asRegions(teacher.features, pooled.teacher), pooled.filled),
    foreground: objectDistance(relations.foreground(pooled.student), pooled.teacher, pooled.filled),
  };
}

// Pictures: how strong maps are before and after their graphs, and who takes from whom.

function levelPictures(teacher: tf.Tensor4D, student: tf.Tensor4D, level: number, { name }: MapLevel, adapters: LevelAdapters, inputs: Inputs): Picture[] {
  const strength = (kind: string, role: Picture['role'], map: tf.Tensor4D): Picture => ({ kind, role, level: name, values: tf.mean(tf.abs(map), 3) });
  const maps = [
    strength('pixelRelation', 'teacher', adapters.teacher(teacher)), strength('pixelRelation', 'student', adapters.student(student)),
    strength('activation', 'teacher', teacher), strength('activation', 'student', student),
  ];
  if (adapters.relations === undefined) return maps;
  const pooled = poolObjects(teacher, student, level, inputs);
  const related = relate(pooled, adapters.relations);
  const matrix = (role: 'teacher' | 'student'): Picture => ({ kind: 'objectRelation', role, level: name, values: tf.mul(related[role].attention, tf.expandDims(pooled.filled, 2)) });
  return [...maps, matrix('teacher'), matrix('student')];
}

function create(config: DrkdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const layout = objectLayout(levels, context, config);
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, levels, config, context);
  const scaled = featureScaler(config.scale, levels, context);
  const mapsOf = (teacher: DetectorOutputs, student: DetectorOutputs): (readonly [teacher: tf.Tensor4D, student: tf.Tensor4D])[] => {
    const [others, own] = [scaled(teacher.features), scaled(student.features)];
    return levels.map((_, index) => [at(others, index), at(own, index)]);
  };
  const lose = (teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs): Partial<Record<Part, tf.Scalar>>[] => mapsOf(teacher, student).map((maps, index) => {
    const own = at(adapters, index);
    return {
      pixel: pixelLoss(...maps, own),
      ...(own.relations === undefined ? {} : instanceLosses(poolObjects(...maps, index, inputs), own.relations)),
    };
  });
  return {
    id: 'drkd',
    parameters,
    inputs: ({ truth }) => regionInputs('objects', truth.map((image) => largestBoxes(image, config.maxObjects).map(({ box }) => box)), layout),
    loss: (teacher, student, inputs) => {
      const byLevel = lose(teacher, student, inputs);
      return Object.fromEntries(PARTS.map((part) => [part, tf.mul<tf.Scalar>(tf.addN(byLevel.flatMap((losses) => losses[part] ?? [])), config.weight * config[part])]));
    },
    pictures: (teacher, student, inputs) => mapsOf(teacher, student).flatMap((maps, index) => levelPictures(...maps, index, at(levels, index), at(adapters, index), inputs)),
  };
}

export const drkd: Method<DrkdConfig> = {
  ...drkdCard,
  pictures: {
    pixelRelation: { title: 'Cells related', form: 'map', caption: 'Strength of the map after its graph unit has related all cells: mean absolute activation.' },
    activation: { title: 'Activation', form: 'map', caption: 'Strength of the map as the network made it: mean absolute activation.' },
    objectRelation: { title: 'Objects related', form: 'matrix', caption: 'How much each object (row) takes of each other (column), in the order of the annotation; rows sum to 1, empty places are 0.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(drkdCard)),
  create,
};
