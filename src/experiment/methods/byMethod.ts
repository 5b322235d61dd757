/** Tables of what is known of some methods alone, each row over that method's own options. */
import { type MethodConfig, type MethodId } from './index.ts';

export type ByMethod<R, Rest extends readonly unknown[] = []> = { readonly [M in MethodId]?: (options: Extract<MethodConfig, { readonly method: M }>, ...rest: Rest) => R };

/** The method's row, asked with its options. */
export function ofMethod<R, Rest extends readonly unknown[]>(table: ByMethod<R, Rest>, options: MethodConfig, ...rest: Rest): R | undefined {
  return (table[options.method] as ((options: MethodConfig, ...rest: Rest) => R) | undefined)?.(options, ...rest);
}
