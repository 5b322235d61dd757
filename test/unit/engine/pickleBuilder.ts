/** Makes pickles and PyTorch archives by hand, hostile ones included: nothing else here writes them. */
import { zipSync } from 'fflate';

export const op = {
  proto: bytes(0x80, 2), stop: text('.'), mark: text('('), reduce: text('R'), build: text('b'), emptyDict: text('}'), emptyList: text(']'), emptyTuple: text(')'),
  setItems: text('u'), appends: text('e'), tuple: text('t'), none: text('N'), yes: bytes(0x88), no: bytes(0x89), newObject: bytes(0x81), persistent: text('Q'),
} as const;

export function bytes(...values: number[]): Buffer {
  return Buffer.from(values);
}

export function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

export function string(value: string): Buffer {
  const data = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return Buffer.concat([text('X'), length, data]);
}

export function int(value: number): Buffer {
  const data = Buffer.alloc(5, 'J');
  data.writeInt32LE(value, 1);
  return data;
}

export function global(module: string, name: string): Buffer {
  return text(`c${module}\n${name}\n`);
}

export function tupleOf(...items: Buffer[]): Buffer {
  return Buffer.concat([op.mark, ...items, op.tuple]);
}

export function dictOf(entries: Readonly<Record<string, Buffer>>): Buffer {
  return Buffer.concat([op.emptyDict, op.mark, ...Object.entries(entries).flatMap(([key, value]) => [string(key), value]), op.setItems]);
}

export function pickle(...parts: Buffer[]): Buffer {
  return Buffer.concat([op.proto, ...parts, op.stop]);
}

export interface TensorParts {
  readonly storage?: string;
  readonly type?: string;
  readonly items?: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export function tensor({ storage = '0', type = 'FloatStorage', items = 4, offset = 0, shape, strides }: TensorParts): Buffer {
  const id = Buffer.concat([tupleOf(string('storage'), global('torch', type), string(storage), string('cpu'), int(items)), op.persistent]);
  const args = tupleOf(id, int(offset), tupleOf(...shape.map(int)), tupleOf(...strides.map(int)), op.no, Buffer.concat([global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]));
  return Buffer.concat([global('torch._utils', '_rebuild_tensor_v2'), args, op.reduce]);
}

export const FOUR_FLOATS: Buffer = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);

export function archive(list: Buffer, storages: Readonly<Record<string, Uint8Array>> = { 0: FOUR_FLOATS }, more: Readonly<Record<string, Uint8Array>> = {}, level: 0 | 6 = 0): Buffer {
  const files = Object.fromEntries(Object.entries(storages).map(([key, data]) => [`weights/data/${key}`, new Uint8Array(data)]));
  return Buffer.from(zipSync({ 'weights/data.pkl': new Uint8Array(list), ...files, ...more }, { level, mtime: new Date(2020, 1, 1) }));
}
