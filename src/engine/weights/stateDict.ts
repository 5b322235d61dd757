/** Named tensors as weight files hold them: PyTorch's names and layout (convolutions OIHW, linear OI). */
import { createHash } from 'node:crypto';
import { type HostTensor } from '../hostTensor.ts';

/** Floating-point types come as float32; integers and bool as int32. */
export type StateDict = ReadonlyMap<string, HostTensor>;

export interface WeightFile {
  readonly tensors: StateDict;
  readonly format: 'safetensors' | 'pytorch' | 'pytorch-legacy';
  /** Where in a checkpoint the state dict was found, e.g. `state_dict` or `ema.module`; empty if it is the file itself. */
  readonly from: string;
  /** What was left out or changed, for the log. */
  readonly notes: readonly string[];
  /** Strings that a safetensors file carries. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** SHA-256, in hex, over names, types, shapes and values; the order of the names does not matter. */
export function digestOf(stateDict: StateDict): string {
  const hash = createHash('sha256');
  for (const name of [...stateDict.keys()].sort(compareNames)) {
    const tensor = stateDict.get(name);
    if (tensor === undefined) continue;
    const { dtype, shape, data } = tensor;
    hash.update(`${JSON.stringify([name, dtype, shape])}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** By code unit: the same on every machine, whatever its language. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
