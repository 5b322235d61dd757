/** A function runs on inputs of the names, types and shapes of its example and no others: a graph has fixed shapes. */
import { type HostTensors } from './hostTensor.ts';

/** @param needed tells inputs that something reads; the others may be left out */
export function checkInputs(name: string, example: HostTensors, inputs: HostTensors, needed: (key: string) => boolean = () => true): void {
  for (const [key, wanted] of Object.entries(example)) {
    const given = inputs[key];
    if (given === undefined && !needed(key)) continue;
    if (given === undefined) throw new Error(`${name}: input ${key} is missing`);
    if (given.dtype !== wanted.dtype || given.shape.join() !== wanted.shape.join()) {
      throw new Error(`${name}: input ${key} was recorded as ${wanted.dtype} [${wanted.shape.join(', ')}], got ${given.dtype} [${given.shape.join(', ')}]`);
    }
  }
  const extra = Object.keys(inputs).filter((key) => !(key in example));
  if (extra.length > 0) throw new Error(`${name}: inputs that were not recorded: ${extra.join(', ')}`);
}
