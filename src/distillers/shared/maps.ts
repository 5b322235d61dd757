/** Geometry that all methods share: the cells of each level, and maps as matrices of places × channels. */
import * as tf from '@tensorflow/tfjs';
import { type DetectorTraits } from '../../detectors/detector.ts';
import { type Inputs } from '../distiller.ts';

export interface MapLevel {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** rows · columns. */
  readonly places: number;
}

export function mapLevels(traits: DetectorTraits, inputSize: readonly [number, number]): MapLevel[] {
  const grid = traits.grid?.(inputSize) ?? traits.levels.map(({ stride }) => [Math.ceil(inputSize[0] / stride), Math.ceil(inputSize[1] / stride)] as const);
  return traits.levels.map(({ name }, index) => {
    const [rows, columns] = at(grid, index);
    return { name, rows, columns, places: rows * columns };
  });
}

/** [N, H, W, C] → [N, H·W, C]. */
export function asPlaces(map: tf.Tensor4D): tf.Tensor3D {
  const [batch, rows, columns, channels] = map.shape;
  return tf.reshape(map, [batch, rows * columns, channels]);
}

/** [N, H·W] → [N, H, W], for pictures. */
export function asMap(values: tf.Tensor2D, { rows, columns }: MapLevel): tf.Tensor3D {
  return tf.reshape(values, [values.shape[0], rows, columns]);
}

/** An element that is there by construction; its lack is a programming error. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no element ${index} of ${items.length}`);
  return item;
}

/** An input tensor by name. */
export function fed(inputs: Inputs, name: string): tf.Tensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`input ${name} was not fed`);
  return tensor;
}
