/** A tensor on the host: what data and targets are before they are fed to a step. Row-major, images NHWC. */
export type HostTensor =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array };

export type HostTensors = Readonly<Record<string, HostTensor>>;

export function float32(shape: readonly number[], data: Float32Array = new Float32Array(sizeOf(shape))): HostTensor & { dtype: 'float32' } {
  checkSize(shape, data.length);
  return { dtype: 'float32', shape, data };
}

export function int32(shape: readonly number[], data: Int32Array = new Int32Array(sizeOf(shape))): HostTensor & { dtype: 'int32' } {
  checkSize(shape, data.length);
  return { dtype: 'int32', shape, data };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function checkSize(shape: readonly number[], length: number): void {
  if (sizeOf(shape) !== length) throw new RangeError(`shape [${shape.join(', ')}] holds ${sizeOf(shape)} values, got ${length}`);
}
