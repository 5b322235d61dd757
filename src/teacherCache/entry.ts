/**
 * An entry of the cache as bytes: what one teacher made of one image, a few tensors in a fixed order.
 *
 *     'DLTEACH1'  16 bytes of SHA-256 over all that follows
 *     count  { kind, exponent, values } × count  payloads, each filled up to 4 bytes
 */
import { createHash } from 'node:crypto';
import { fromHalves, toHalves } from './halves.ts';

/** What is kept of a value: 16 bits of it (see `halves.ts`), or all. */
export type Precision = 'half' | 'full';

const MAGIC = Buffer.from('DLTEACH1');
const CHECK_BYTES = 16;
const START = MAGIC.length + CHECK_BYTES;
const KINDS = { full: 0, half: 1 } as const;

export function encodeEntry(tensors: readonly Float32Array[], precision: Precision): Uint8Array<ArrayBuffer> {
  const parts = tensors.map((tensor) => (precision === 'half' ? toHalves(tensor) : { values: tensor, exponent: 0 }));
  const head = 4 + 12 * parts.length;
  const bytes = new Uint8Array(START + head + parts.reduce((sum, { values }) => sum + padded(values.byteLength), 0));
  const header = new Int32Array([parts.length, ...parts.flatMap(({ values, exponent }) => [KINDS[precision], exponent, values.length])]);
  bytes.set(MAGIC);
  bytes.set(new Uint8Array(header.buffer), START);
  let offset = START + head;
  for (const { values } of parts) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += padded(values.byteLength);
  }
  bytes.set(checkOf(bytes), MAGIC.length);
  return bytes;
}

/** Writes into `targets`. @returns false, and targets of no meaning, for bytes that are torn, changed or of other tensors */
export function decodeEntry(bytes: Uint8Array, targets: readonly Float32Array[]): boolean {
  if (bytes.length < START + 4 || !MAGIC.equals(bytes.subarray(0, MAGIC.length)) || !checkOf(bytes).equals(bytes.subarray(MAGIC.length, START))) return false;
  // Views of 2 and 4 bytes a value need an even start.
  const body = bytes.byteOffset % 4 === 0 ? bytes.subarray(START) : bytes.slice(START);
  const [count = 0] = new Int32Array(body.buffer, body.byteOffset, 1);
  if (count !== targets.length || body.length < 4 + 12 * count) return false;
  const header = new Int32Array(body.buffer, body.byteOffset + 4, 3 * count);
  let offset = 4 + 12 * count;
  for (const [index, target] of targets.entries()) {
    const [kind = -1, exponent = 0, length = -1] = header.subarray(3 * index);
    const size = length * (kind === KINDS.half ? 2 : 4);
    if (length !== target.length || (kind !== KINDS.half && kind !== KINDS.full) || offset + size > body.length) return false;
    if (kind === KINDS.half) fromHalves({ values: new Uint16Array(body.buffer, body.byteOffset + offset, length), exponent }, target);
    else target.set(new Float32Array(body.buffer, body.byteOffset + offset, length));
    offset += padded(size);
  }
  return true;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

function checkOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes.subarray(START)).digest().subarray(0, CHECK_BYTES);
}
