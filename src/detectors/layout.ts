/** Between PyTorch's layouts of weights and ours. */
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { type WeightLayout } from '../engine/parameters.ts';

/** Where each axis of ours is in PyTorch's: our HWIO of its OIHW, our IO of its OI. */
const AXES: Readonly<Record<WeightLayout, readonly number[]>> = { convolution: [2, 3, 1, 0], linear: [1, 0], plain: [] };

/** Shape that PyTorch gives to the tensor that has `shape` here. */
export function pytorchShape(shape: readonly number[], layout: WeightLayout): number[] {
  const result = [...shape];
  for (const [ours, theirs] of AXES[layout].entries()) result[theirs] = shape[ours] ?? 0;
  return result;
}

/** @param data PyTorch's order, of `pytorchShape(shape)` @param shape ours */
export function fromPytorch(data: Float32Array, shape: readonly number[], layout: WeightLayout): Float32Array {
  return layout === 'plain' ? Float32Array.from(data) : permute(data, pytorchShape(shape, layout), AXES[layout]);
}

export function toPytorch(data: Float32Array, shape: readonly number[], layout: WeightLayout): HostTensor & { dtype: 'float32' } {
  const inverse = AXES[layout].map((_, axis) => AXES[layout].indexOf(axis));
  return float32(pytorchShape(shape, layout), layout === 'plain' ? Float32Array.from(data) : permute(data, shape, inverse));
}

/** Transposition: axis i of the result is axis `axes[i]` of `data`. */
export function permute(data: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = axes.map((axis) => shape[axis] ?? 1);
  const steps = axes.map((axis) => strides[axis] ?? 0);
  const result = new Float32Array(data.length);
  const position = sizes.map(() => 0);
  const last = sizes.length - 1;
  const [lastSize, lastStep] = [sizes[last] ?? 1, steps[last] ?? 0];
  let source = 0;
  for (let written = 0; written < result.length; ) {
    for (let index = 0; index < lastSize; index += 1, written += 1) result[written] = data[source + index * lastStep] ?? 0;
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      position[axis] = (position[axis] ?? 0) + 1;
      source += steps[axis] ?? 0;
      if ((position[axis] ?? 0) < (sizes[axis] ?? 1)) break;
      source -= (steps[axis] ?? 0) * (sizes[axis] ?? 1);
      position[axis] = 0;
    }
  }
  return result;
}
