/** Number types of weight files, and their way into float32 or int32. Bytes are little-endian. */
import { type HostTensor, sizeOf } from '../hostTensor.ts';

export const ITEM_SIZES = { f64: 8, f32: 4, f16: 2, bf16: 2, i64: 8, u64: 8, i32: 4, u32: 4, i16: 2, u16: 2, i8: 1, u8: 1, bool: 1 } as const;
export type Dtype = keyof typeof ITEM_SIZES;

/** @returns the tensor, or undefined where an integer does not fit 32 bits. @param bytes exactly the tensor's, contiguous. */
export function tensorOf(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): HostTensor | undefined {
  const count = sizeOf(shape);
  if (bytes.length !== count * ITEM_SIZES[dtype]) throw new RangeError(`[${shape.join(', ')}] ${dtype} is not ${bytes.length} bytes`);
  switch (dtype) {
    case 'f64': case 'f32': case 'f16': case 'bf16':
      return { dtype: 'float32', shape, data: floats(dtype, bytes, count) };
    case 'i64': case 'u64': case 'i32': case 'u32': case 'i16': case 'u16': case 'i8': case 'u8': case 'bool': {
      const data = integers(dtype, bytes, count);
      return data === undefined ? undefined : { dtype: 'int32', shape, data };
    }
  }
}

/** The bytes on their own and aligned, as typed arrays of wider items need them. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy.buffer;
}

function floats(dtype: 'f64' | 'f32' | 'f16' | 'bf16', bytes: Uint8Array, count: number): Float32Array {
  const buffer = aligned(bytes);
  if (dtype === 'f32') return new Float32Array(buffer);
  if (dtype === 'f64') return Float32Array.from(new Float64Array(buffer));
  const out = new Float32Array(count);
  const bits = new Uint32Array(out.buffer);
  const halves = new Uint16Array(buffer);
  for (let i = 0; i < count; i += 1) bits[i] = dtype === 'bf16' ? (halves[i] ?? 0) << 16 : floatBits(halves[i] ?? 0);
  return out;
}

/** IEEE 754 half precision to the bits of the same number in single precision. */
function floatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift until the leading one is where single precision leaves it out.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function integers(dtype: Exclude<Dtype, 'f64' | 'f32' | 'f16' | 'bf16'>, bytes: Uint8Array, count: number): Int32Array | undefined {
  const buffer = aligned(bytes);
  switch (dtype) {
    case 'i32': return new Int32Array(buffer);
    case 'i16': return Int32Array.from(new Int16Array(buffer));
    case 'u16': return Int32Array.from(new Uint16Array(buffer));
    case 'i8': return Int32Array.from(new Int8Array(buffer));
    case 'u8': return Int32Array.from(bytes);
    case 'bool': return Int32Array.from(bytes, (value) => (value === 0 ? 0 : 1));
    case 'u32': {
      const data = new Int32Array(buffer);
      return data.some((value) => value < 0) ? undefined : data;
    }
    case 'i64': case 'u64': {
      const words = new Int32Array(buffer);
      const out = new Int32Array(count);
      for (let i = 0; i < count; i += 1) {
        const low = words[2 * i] ?? 0;
        const high = words[2 * i + 1] ?? 0;
        if (high !== low >> 31 || (dtype === 'u64' && low < 0)) return undefined;
        out[i] = low;
      }
      return out;
    }
  }
}
