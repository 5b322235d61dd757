/** tfjs-node's native binding, as far as capture uses it: below tfjs's kernels, above TensorFlow's C API. */
import * as tf from '@tensorflow/tfjs';

export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface TensorMetadata {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

export type Values = Float32Array | Int32Array | Uint8Array;

export interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: Values | readonly number[]): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Values;
  executeOp(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], outputs: number): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
}

/** How tfjs-node keeps a tensor. */
export interface TensorEntry {
  /** Native id; −1 before the values are uploaded. */
  id: number;
  /** Values that are not uploaded yet. */
  values: Values | null;
}

interface NodeBackend {
  binding: Binding;
  readonly tensorMap: { has(dataId: object): boolean; get(dataId: object): TensorEntry };
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
}

export function nodeBackend(): NodeBackend {
  return tf.backend() as unknown as NodeBackend;
}

/** The native id of a tensor (its values are uploaded now if they were not before). */
export function nativeId(tensor: tf.Tensor): number {
  const [id] = nodeBackend().getInputTensorIds([tensor]);
  if (id === undefined) throw new Error('the backend gave no id for a tensor');
  return id;
}
