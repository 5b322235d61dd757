/** ScaleKD's cross-scale assistant: the student's cells ask the teacher's map, pooled at several rates, and what they get is added to them. */
import * as tf from '@tensorflow/tfjs';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { xavierUniform, zeros } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';
import { asPlaces, type MapLevel } from './shared/maps.ts';

export interface AssistantSettings {
  readonly channels: number;
  readonly rates: readonly number[];
  readonly heads: number;
  readonly maxTokens: number;
}

interface Group {
  readonly heads: number;
  readonly query: RowLayer;
  readonly key: RowLayer;
  readonly value: RowLayer;
  /** Cells that a key pools along each side. */
  readonly pooled: number;
}

export interface Assistant {
  /** F: the student's map and what it got, [N, H, W, C]. @param student aligned, of C channels @param teacher gets no gradient */
  run(student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Tensor4D;
  /** Where one cell of each image looks at the finest rate, mean over its heads, [N, h, w]. @param chosen [N, H·W], 1 at the cell */
  looks(student: tf.Tensor4D, teacher: tf.Tensor4D, chosen: tf.Tensor2D): tf.Tensor3D;
}

export function createAssistant(parameters: Parameters, name: string, level: MapLevel, { channels, rates, heads, maxTokens }: AssistantSettings): Assistant {
  const width = Math.max(1, Math.floor(channels / heads));
  const groups = rates.map((rate, index): Group => {
    const own = Math.max(1, Math.floor(heads / rates.length) + (index < heads % rates.length ? 1 : 0));
    const project = (part: string): RowLayer => linear(parameters, `${name}.${part}${index}`, { in: channels, out: own * width, init: xavierUniform, biasInit: zeros });
    return { heads: own, query: project('query'), key: project('key'), value: project('value'), pooled: poolingFor(level, rate, maxTokens) };
  });
  const got = groups.reduce((sum, group) => sum + group.heads * width, 0);
  // It starts as the student's own map.
  const out = linear(parameters, `${name}.out`, { in: got, out: channels, init: zeros, biasInit: zeros });
  const attention = (group: Group, asking: tf.Tensor3D, keys: tf.Tensor3D): tf.Tensor4D =>
    tf.softmax(tf.mul<tf.Tensor4D>(tf.matMul(byHead(group.query(asking), group.heads), byHead(group.key(keys), group.heads), false, true), 1 / Math.sqrt(width)));
  return {
    run: (student, teacher) => {
      const asking = asPlaces(student);
      const answers = groups.map((group) => {
        const keys = asPlaces(pool(teacher, group.pooled));
        const taken = tf.matMul(attention(group, asking, keys), byHead(group.value(keys), group.heads));
        return tf.reshape<tf.Rank.R3>(tf.transpose(taken, [0, 2, 1, 3]), [asking.shape[0], asking.shape[1], group.heads * width]);
      });
      return tf.add<tf.Tensor4D>(student, tf.reshape<tf.Rank.R4>(out(tf.concat(answers, 2)), student.shape));
    },
    looks: (student, teacher, chosen) => {
      const [finest] = groups;
      if (finest === undefined) throw new RangeError('an assistant needs a rate');
      const asking = tf.matMul<tf.Tensor3D>(tf.reshape(chosen, [chosen.shape[0], 1, chosen.shape[1]]), asPlaces(student));
      const keys = pool(teacher, finest.pooled);
      return tf.reshape(tf.mean(attention(finest, asking, asPlaces(keys)), 1), [keys.shape[0], keys.shape[1], keys.shape[2]]);
    },
  };
}

/** The rate, or the next multiple of it at which no more than `most` keys are left. */
function poolingFor({ rows, columns }: MapLevel, rate: number, most: number): number {
  let cells = rate;
  while (Math.ceil(rows / cells) * Math.ceil(columns / cells) > most) cells += rate;
  return cells;
}

/** Means of cells × cells; windows at the border count what they cover. */
function pool(map: tf.Tensor4D, cells: number): tf.Tensor4D {
  return cells === 1 ? map : tf.avgPool(map, cells, cells, 'same');
}

/** [N, L, M·d] → [N, M, L, d]. */
function byHead(rows: tf.Tensor, heads: number): tf.Tensor4D {
  const [batch = 0, length = 0, width = 0] = rows.shape;
  return tf.transpose(tf.reshape(rows, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}
