/** From a tensor's description and its storage's bytes to values: offsets and strides honoured, the result contiguous. */
import { type HostTensor, sizeOf } from '../hostTensor.ts';
import { ITEM_SIZES, tensorOf } from './dtypes.ts';
import { damagedPickle, tooLarge, unsupportedType } from './problems.ts';
import { type TensorRef } from './torchObjects.ts';

/** A billion values is a hundred times the largest detector. */
const MAX_VALUES = 2 ** 30;
/** Views that repeat values (stride 0) make much of little; real ones are small. */
const MAX_REPEATED = 2 ** 24;

/** @returns bytes of the tensor's storage. Throws DL405, DL407, DL409 for what cannot be one. */
export function storageBytes(tensor: TensorRef, name: string, path: string): number {
  const { storage, dtype, offset, shape, strides } = tensor;
  if (dtype === undefined || storage.dtype === undefined) throw unsupportedType(path, `${name}: ${storage.typeName}`);
  if (shape.length !== strides.length) throw damagedPickle(path, `${name}: ${shape.length} sizes and ${strides.length} strides`);
  const bytes = storage.count * (storage.dtype === 'bytes' ? 1 : ITEM_SIZES[storage.dtype]);
  const items = storage.dtype === 'bytes' ? Math.floor(bytes / ITEM_SIZES[dtype]) : storage.count;
  const values = sizeOf(shape);
  if (!(values <= MAX_VALUES) || (values > items && values > MAX_REPEATED)) throw tooLarge(path, `${name}: [${shape.join(', ')}] from ${items} stored values`);
  const last = offset + shape.reduce((sum, size, i) => sum + (size - 1) * (strides[i] ?? 0), 0);
  if (values > 0 && !(last < items)) throw damagedPickle(path, `${name}: reaches value ${last} of a storage of ${items}`);
  return bytes;
}

/** @param bytes the whole storage, as long as `storageBytes` says. */
export function materialize(tensor: TensorRef, bytes: Uint8Array, name: string, path: string): HostTensor {
  const { dtype, offset, shape, strides } = tensor;
  if (dtype === undefined) throw unsupportedType(path, `${name}: ${tensor.storage.typeName}`);
  const itemSize = ITEM_SIZES[dtype];
  const count = sizeOf(shape);
  const begin = offset * itemSize;
  const own = count === 0 ? bytes.subarray(0, 0) : isContiguous(shape, strides) ? bytes.subarray(begin, begin + count * itemSize) : gather(tensor, bytes, itemSize);
  const result = tensorOf(dtype, shape, own);
  if (result === undefined) throw unsupportedType(path, `${name}: an integer beyond 32 bits`);
  return result;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i -= 1) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i] ?? 1;
  }
  return true;
}

/** Copies the items of a view in row-major order, as an odometer goes through its digits. */
function gather({ offset, shape, strides }: TensorRef, bytes: Uint8Array, itemSize: number): Uint8Array {
  const count = sizeOf(shape);
  const out = new Uint8Array(count * itemSize);
  const index = shape.map(() => 0);
  let source = offset;
  for (let k = 0; k < count; k += 1) {
    for (let b = 0; b < itemSize; b += 1) out[k * itemSize + b] = bytes[source * itemSize + b] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const next = (index[axis] ?? 0) + 1;
      source += strides[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      source -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return out;
}
