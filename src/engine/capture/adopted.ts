/**
 * Weights that a captured program has taken over. The session's resource variables become their only place: the `tf.Variable`s
 * that named them let go of their memory and, read or used all the same, show what the program holds. When it is disposed
 * they get their values back.
 */
import type * as tf from '@tensorflow/tfjs';
import { nodeBackend, type Values } from './binding.ts';

export type Reader = (variables: readonly tf.Variable[]) => Float32Array[];

/** Who holds a variable's value: the last of the list, as long as the backend's entry has not got a value of its own. */
const holders = new WeakMap<object, Adoption[]>();

export class Adoption {
  private readonly variables: readonly tf.Variable[];
  private readonly read: Reader;

  /** The values must be in the program already. */
  constructor(variables: readonly tf.Variable[], read: Reader) {
    this.variables = variables;
    this.read = read;
    const { binding, tensorMap } = nodeBackend();
    for (const variable of variables) {
      const entry = tensorMap.get(variable.dataId);
      if (entry.id >= 0) binding.deleteTensor(entry.id);
      holders.set(variable.dataId, [...(holders.get(variable.dataId) ?? []), this]);
      this.show(variable);
    }
  }

  /** Before the program ends: what another program held before is that one's again, all else is handed back. */
  end(): void {
    const { tensorMap } = nodeBackend();
    const left = this.variables.filter(({ dataId }) => tensorMap.has(dataId) && holders.get(dataId)?.includes(this) === true);
    const own = left.filter(({ dataId }) => holders.get(dataId)?.at(-1) === this);
    for (const { dataId } of left) holders.set(dataId, (holders.get(dataId) ?? []).filter((holder) => holder !== this));
    const orphans = own.filter((variable) => {
      const before = holders.get(variable.dataId)?.at(-1);
      before?.show(variable);
      return before === undefined;
    });
    handOver(orphans, this.read(orphans));
  }

  holds(variable: tf.Variable): boolean {
    const { tensorMap } = nodeBackend();
    if (!tensorMap.has(variable.dataId) || holders.get(variable.dataId)?.at(-1) !== this) return false;
    return Object.getOwnPropertyDescriptor(tensorMap.get(variable.dataId), 'values')?.get !== undefined;
  }

  values(variables: readonly tf.Variable[]): Float32Array[] {
    return this.read(variables);
  }

  private show(variable: tf.Variable): void {
    const entry = nodeBackend().tensorMap.get(variable.dataId);
    entry.id = -1;
    // tfjs takes values that are there for values that were not uploaded yet, uploads them when an op wants them and sets null.
    Object.defineProperty(entry, 'values', {
      configurable: true, enumerable: true, get: () => this.read([variable])[0] ?? null,
      set: (values: Values | null) => { Object.defineProperty(entry, 'values', { configurable: true, enumerable: true, writable: true, value: values }); },
    });
  }
}

/** Gets many values out of programs at once; one by one would be slow. Looks at no backend where no program holds any. */
export function bringBack(variables: readonly tf.Variable[]): void {
  const held = new Map<Adoption, tf.Variable[]>();
  for (const variable of variables) {
    const holder = holders.get(variable.dataId)?.at(-1);
    if (holder?.holds(variable) === true) held.set(holder, [...(held.get(holder) ?? []), variable]);
  }
  for (const [holder, own] of held) handOver(own, holder.values(own));
}

function handOver(variables: readonly tf.Variable[], values: readonly Float32Array[]): void {
  const { tensorMap } = nodeBackend();
  variables.forEach((variable, index) => { tensorMap.get(variable.dataId).values = values[index] ?? null; });
}
