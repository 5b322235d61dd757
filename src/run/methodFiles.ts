/** Weight files that methods ask for by their options, read before the methods are made. */
import { methodFiles } from '../distillers/table.ts';
import { DistillError } from '../errors.ts';
import { type HostTensor } from '../engine/hostTensor.ts';
import { readWeights } from '../engine/weights/read.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { resolvePath } from './paths.ts';

/** @returns contents by path as written @throws DistillError DL401 … DL409 with the option's key */
export async function readMethodFiles(configs: readonly MethodConfig[], baseFolder: string): Promise<ReadonlyMap<string, ReadonlyMap<string, HostTensor>>> {
  const contents = new Map<string, ReadonlyMap<string, HostTensor>>();
  for (const { path, key } of methodFiles(configs)) {
    contents.set(path, await readWeights(resolvePath(path, baseFolder)).catch((cause: unknown) => {
      throw cause instanceof DistillError ? new DistillError(cause.code, cause.message, { ...cause.details, key }) : cause;
    }));
  }
  return contents;
}
