/**
 * Writes a .safetensors file again with its large float32 tensors in half precision: half the size for a package.
 *
 *     node scripts/half-weights.mjs IN OUT
 *
 * Vectors (biases, running means and variances) stay as they are: they are small, and variances may be tiny. Readers turn
 * everything into float32.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** @param bytes a whole file. @returns another one. */
export function halved(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  const data = bytes.subarray(8 + length);
  const parts = [];
  let offset = 0;
  const written = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      written[name] = entry;
      continue;
    }
    const own = data.subarray(...entry.data_offsets);
    const halves = entry.dtype === 'F32' && entry.shape.length > 1;
    const part = halves ? inHalf(own) : own;
    parts.push(part);
    written[name] = { dtype: halves ? 'F16' : entry.dtype, shape: entry.shape, data_offsets: [offset, offset + part.length] };
    offset += part.length;
  }
  // The format wants data to begin at a multiple of 8; spaces after the JSON are allowed.
  const json = Buffer.from(JSON.stringify(written));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([size, padded, ...parts]);
}

function inHalf(bytes) {
  const out = Buffer.alloc(bytes.length / 2);
  for (let index = 0; index < out.length / 2; index += 1) out.writeUInt16LE(halfOf(bytes.readFloatLE(4 * index)), 2 * index);
  return out;
}

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754: rounded to the nearest, ties to even. */
function halfOf(value) {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | (exponent === 143 && fraction !== 0 ? 0x7e00 : 0x7c00);
  if (exponent <= -11) return sign;
  // Below the smallest normal number the leading one moves into the fraction.
  const [whole, shift] = exponent > 0 ? [(exponent << 23) | fraction, 13] : [fraction | 0x800000, 14 - exponent];
  const kept = whole >>> shift;
  const rest = whole & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [input, output] = process.argv.slice(2);
  if (input === undefined || output === undefined) {
    console.error('usage: node scripts/half-weights.mjs IN OUT');
    process.exitCode = 2;
  } else {
    writeFileSync(output, halved(readFileSync(input)));
  }
}
