/** LGD's dynamic teacher: features made from labels and from the student's own features inside each object. */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { groupsFor } from '../engine/layers/groupNorm.ts';
import { linear } from '../engine/layers/linear.ts';
import { standardizeMap } from '../engine/ops/standardize.ts';
import { type Parameters } from '../engine/parameters.ts';
import { convolution } from './shared/convAdapter.ts';
import { attention, labelEncoder, normedLinear, type EncoderWidths } from './lgdEncoder.ts';
import { asPlaces, at, fed } from './shared/maps.ts';
import { type Inputs } from './distiller.ts';

export interface TeacherForm {
  readonly channels: number;
  readonly classes: number;
  /** Most attention heads. */
  readonly heads: number;
  readonly widths: EncoderWidths;
  readonly context: boolean;
}

/** @param features the student's, by level @param inputs `rows`, `filled`, `inside.<level>` @returns instructive features of the same shapes */
export type DynamicTeacher = (features: readonly tf.Tensor4D[], names: readonly string[], inputs: Inputs) => tf.Tensor4D[];

/** Names of weights are the reference's. */
export function dynamicTeacher(parameters: Parameters, prefix: string, { channels, classes, heads, widths, context }: TeacherForm): DynamicTeacher {
  const encode = labelEncoder(parameters, `${prefix}.label_encoder_`, widths, 4 + classes, channels);
  const embed = normedLinear(parameters, `${prefix}.canoni_proj_1D.0.0`, channels, channels);
  const appearance = convolution(parameters, `${prefix}.student_proj_2D.0.0`, channels);
  const mapOut = convolution(parameters, `${prefix}.local_inst_proj_2D`, channels);
  const contextOut = context ? linear(parameters, `${prefix}.global_ctx_proj_1D`, { in: channels, out: channels }) : undefined;
  const rowOut = linear(parameters, `${prefix}.local_inst_proj_1D`, { in: channels, out: channels });
  const refine = [0, 3, 6].map((index) => convolution(parameters, `${prefix}.refinement_module.${index}`, channels));
  const attend = attention(parameters, `${prefix}.multi_head_attn`, channels, groupsFor(channels, heads));

  return (features, names, inputs) => {
    const filled = fed(inputs, 'filled') as tf.Tensor2D;
    const embeddings = embed(encode(fed(inputs, 'rows') as tf.Tensor3D, filled)) as tf.Tensor3D;
    return features.map((feature, level) => {
      const inside = fed(inputs, `inside.${at(names, level)}`) as tf.Tensor3D;
      const pooled = pool(relu(standardizeMap(appearance(feature))), inside);
      const rows = attend(pooled, embeddings, filled);
      const painted = paint(rowOut(rows) as tf.Tensor3D, inside, context, feature);
      const map = mapOut(painted);
      const whole = contextOut?.(tf.slice(rows, [0, rows.shape[1] - 1, 0], [-1, 1, -1]));
      const raw = relu(whole === undefined ? map : tf.add<tf.Tensor4D>(map, tf.reshape(whole, [map.shape[0], 1, 1, channels])));
      return refine.reduce((x, layer, index) => standardizeMap(layer(index === 0 ? x : relu(x))), raw);
    });
  };
}

/** Mean of each row's cells; 0 for a row without cells. @returns [N, R, C] */
function pool(map: tf.Tensor4D, inside: tf.Tensor3D): tf.Tensor3D {
  return tf.div(tf.matMul(inside, asPlaces(map)), tf.maximum(tf.sum(inside, 2, true), 1));
}

/** Every object's row in all its cells, summed where objects overlap; the context's is not painted. */
function paint(rows: tf.Tensor3D, inside: tf.Tensor3D, context: boolean, like: tf.Tensor4D): tf.Tensor4D {
  const objects = rows.shape[1] - (context ? 1 : 0);
  const [images, , places] = inside.shape;
  const painted = tf.matMul(tf.slice3d(inside, [0, 0, 0], [images, objects, places]), tf.slice3d(rows, [0, 0, 0], [images, objects, rows.shape[2]]), true, false);
  return tf.reshape(painted, like.shape);
}
