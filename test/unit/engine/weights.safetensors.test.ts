import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DistillError } from '../../../src/errors.ts';
import { float32, type HostTensor, int32 } from '../../../src/engine/hostTensor.ts';
import { unwritable } from '../../../src/engine/weights/problems.ts';
import { readWeightFile, readWeights } from '../../../src/engine/weights/read.ts';
import { encodeSafetensors, writeSafetensors } from '../../../src/engine/weights/safetensors.ts';
import { digestOf, type StateDict } from '../../../src/engine/weights/stateDict.ts';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const sample: StateDict = new Map<string, HostTensor>([
  ['b.weight', float32([2, 3], Float32Array.of(1, -2.5, 3, 0, NaN, Infinity))],
  ['a.scalar', float32([], Float32Array.of(2))],
  ['steps', int32([2], Int32Array.of(-7, 2 ** 31 - 1))],
  ['none', float32([0, 4])],
  ['__proto__', float32([1], Float32Array.of(9))],
]);

function save(name: string, ...chunks: (Uint8Array | string)[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
  return path;
}

/** A file with this header and as many bytes of values. */
function file(header: string | object, values: Uint8Array = new Uint8Array()): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return save('made.safetensors', length, json, values);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DistillError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('safetensors', () => {
  it('writes what it reads, names in order, metadata too', async () => {
    const path = join(folder, 'round.safetensors');
    await writeSafetensors(path, sample, { format: 'pt', step: '12' });
    const read = await readWeightFile(path);
    expect(read).toMatchObject({ format: 'safetensors', from: '', notes: [], metadata: { format: 'pt', step: '12' } });
    expect(new Map(read.tensors)).toEqual(new Map(sample));
    const reversed = new Map([...sample].reverse());
    expect(Buffer.concat(encodeSafetensors(reversed))).toEqual(Buffer.concat(encodeSafetensors(sample)));
    expect(digestOf(read.tensors)).toBe(digestOf(reversed));
    // The values begin at a multiple of eight.
    expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0);
  });

  it('replaces a file whole and leaves nothing beside it', async () => {
    const path = join(folder, 'twice.safetensors');
    await writeSafetensors(path, sample);
    await writeSafetensors(path, new Map([['x', float32([1])]]));
    expect([...(await readWeights(path)).keys()]).toEqual(['x']);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
    expect(await codeOf(writeSafetensors(join(folder, 'nowhere', 'x.safetensors'), sample))).toBe('DL410');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it('says so when the disk is full', () => {
    expect(unwritable('x', Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' })).explain()).toMatch(/the disk is full.*DL410/);
  });

  it('converts every number type', async () => {
    const values = Buffer.alloc(8 + 4 + 2 + 2 + 8 + 2 + 1 + 1 + 2 + 2);
    let at = values.writeDoubleLE(0.1, 0);
    at = values.writeFloatLE(-1.5, at);
    at = values.writeUInt16LE(0x3e00, at);
    at = values.writeUInt16LE(0xc040, at);
    at = values.writeBigInt64LE(-5n, at);
    at = values.writeInt16LE(-300, at);
    at = values.writeInt8(-3, at);
    at = values.writeUInt8(200, at);
    at = values.writeUInt16LE(0x0001, at);
    values.writeUInt8(1, at + 1);
    const sizes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I16: 2, I8: 1, U8: 1 };
    const header: Record<string, object> = {};
    let offset = 0;
    for (const [dtype, size] of Object.entries(sizes)) {
      header[dtype] = { dtype, shape: [1], data_offsets: [offset, offset + size] };
      offset += size;
    }
    header.tiny = { dtype: 'F16', shape: [1], data_offsets: [offset, offset + 2] };
    header.BOOL = { dtype: 'BOOL', shape: [2], data_offsets: [offset + 2, offset + 4] };
    const read = await readWeights(file(header, values));
    const value = (name: string) => [...(read.get(name)?.data ?? [])];
    expect(value('F64')).toEqual([Math.fround(0.1)]);
    expect([value('F32'), value('F16'), value('BF16'), value('tiny')]).toEqual([[-1.5], [1.5], [-3], [2 ** -24]]);
    expect([value('I64'), value('I16'), value('I8'), value('U8'), value('BOOL')]).toEqual([[-5], [-300], [-3], [200], [0, 1]]);
    expect(read.get('BOOL')?.dtype).toBe('int32');
  });

  it('reads all halves as numbers, subnormal and infinite ones too', async () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const path = file({ h: { dtype: 'F16', shape: [65536], data_offsets: [0, 131072] } }, new Uint8Array(halves.buffer));
    const read = (await readWeights(path)).get('h')?.data ?? [];
    halves.forEach((bits, i) => {
      const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      const expected = exponent === 31 ? (fraction === 0 ? sign * Infinity : NaN) : exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
      if (!Object.is(read[i], expected)) expect(read[i], `0x${bits.toString(16)}`).toBe(expected);
    });
    expect(read).toHaveLength(65536);
  });

  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  it.each([
    ['no JSON', '{"a": ', 0, 'DL403'],
    ['a list', '[1,2,3]', 0, 'DL402'],
    ['an entry without shape', { a: { dtype: 'F32', data_offsets: [0, 8] } }, 8, 'DL403'],
    ['a negative size', { a: { ...entry, shape: [-2] } }, 8, 'DL403'],
    ['a broken size', { a: { ...entry, shape: [0.5] } }, 8, 'DL403'],
    ['sizes that overflow', { a: { ...entry, shape: [2 ** 40, 2 ** 40] } }, 8, 'DL403'],
    ['offsets that do not fit the shape', { a: { ...entry, data_offsets: [0, 4] } }, 4, 'DL403'],
    ['offsets the wrong way round', { a: { ...entry, data_offsets: [8, 0] } }, 8, 'DL403'],
    ['overlapping tensors', { a: entry, b: { ...entry, data_offsets: [4, 12] } }, 12, 'DL403'],
    ['a gap', { a: entry, b: { ...entry, data_offsets: [12, 20] } }, 20, 'DL403'],
    ['bytes of no tensor', { a: entry }, 12, 'DL403'],
    ['missing values', { a: entry }, 4, 'DL404'],
    ['an unknown type', { a: { ...entry, dtype: 'F8_E4M3' } }, 8, 'DL405'],
    ['a type named like a property', { a: { ...entry, dtype: 'constructor' } }, 8, 'DL405'],
    ['metadata that is no text', { __metadata__: { a: 1 }, a: entry }, 8, 'DL403'],
  ])('refuses %s', async (_, header, size, code) => {
    expect(await codeOf(readWeights(file(header, new Uint8Array(size))))).toBe(code);
  });

  it('refuses integers beyond 32 bits instead of cutting them', async () => {
    const big = Buffer.alloc(8);
    big.writeBigInt64LE(2n ** 31n);
    expect(await codeOf(readWeights(file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, big)))).toBe('DL405');
    expect(await codeOf(readWeights(file({ a: { dtype: 'U32', shape: [1], data_offsets: [0, 4] } }, new Uint8Array([0, 0, 0, 128]))))).toBe('DL405');
  });

  it('refuses absurd header sizes without reading them', async () => {
    const length = Buffer.alloc(8);
    for (const [size, code] of [[2n ** 63n, 'DL403'], [99_999_999n, 'DL404'], [0n, 'DL403']] as const) {
      length.writeBigUInt64LE(size);
      expect(await codeOf(readWeights(save('absurd.safetensors', length, '{}')))).toBe(code);
    }
  });

  it('says what else a file is', async () => {
    const got = async (name: string, ...content: (string | Uint8Array)[]) => {
      try {
        await readWeights(save(name, ...content));
      } catch (error) {
        if (error instanceof DistillError) return `${error.code} ${error.details.got ?? ''}`;
        throw error;
      }
      return 'read';
    };
    expect(await got('a.pth', '')).toBe('DL402 an empty file');
    expect(await got('a.pth', 'version https://git-lfs.github.com/spec/v1\noid')).toMatch(/DL402 a Git LFS pointer/);
    expect(await got('a.pth', '<!DOCTYPE html><html>')).toBe('DL402 a web page');
    expect(await got('a.pth', '\u0089HDF')).toMatch(/^DL402/);
    expect(await got('a.pth', new Uint8Array([0x80, 2, 0x7d, 0x2e]))).toBe('DL402 a bare pickle');
    expect(await got('a.pth', new Uint8Array(100))).toBe('DL402 a file of another kind');
    expect(await codeOf(readWeights(join(folder, 'missing.pth')))).toBe('DL401');
    expect(await codeOf(readWeights(folder))).toBe('DL401');
  });

  it('reads the content, whatever the name', async () => {
    expect([...(await readWeights(save('odd.pth', ...encodeSafetensors(sample)))).keys()]).toContain('b.weight');
  });

  it('gives an error or weights, never anything else, for cut and changed files', async () => {
    const whole = Buffer.concat(encodeSafetensors(sample, { format: 'pt' }));
    for (let length = 0; length < whole.length; length += 5) expect(await codeOf(readWeights(save('cut', whole.subarray(0, length))))).toMatch(/^DL40/);
    const outcomes = new Set<string>();
    for (let at = 0; at < whole.length; at += 3) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ (1 << at % 8);
      outcomes.add(await codeOf(readWeights(save('changed', changed))));
    }
    for (const outcome of outcomes) expect(outcome).toMatch(/^(DL40\d|no error)$/);
    expect(outcomes.has('DL403')).toBe(true);
  });
});

describe('digestOf', () => {
  it('changes with a name, a shape, a type and a value', () => {
    const digest = (name: string, shape: number[], values: number[]) => digestOf(new Map([[name, float32(shape, Float32Array.from(values))]]));
    const all = [digest('a', [2], [1, 2]), digest('b', [2], [1, 2]), digest('a', [2, 1], [1, 2]), digest('a', [2], [2, 1]), digestOf(new Map([['a', int32([2], Int32Array.of(1, 2))]])), digestOf(new Map())];
    expect(new Set(all).size).toBe(all.length);
    expect(all[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});
