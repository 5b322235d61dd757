/** `distill-lab delete`: run folders, for good. */
import path from 'node:path';
import { byteSize } from '../../byteSize.ts';
import { DistillError } from '../../errors.ts';
import { diskBytes, listRuns, refuseGoing, removeForGood, type RunSummary } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

/** All are looked at before the first is deleted. */
export async function deleteRuns({ output }: Surroundings, folders: readonly string[], { dryRun }: { readonly dryRun: boolean }): Promise<number> {
  const runs: RunSummary[] = [];
  for (const folder of new Set(folders.map((one) => path.resolve(one)))) {
    const run = (await listRuns([path.dirname(folder)])).find((one) => one.folder === folder);
    if (run === undefined) throw new DistillError('DL704', 'This is not a run folder.', { where: { file: folder }, expected: 'a folder that a run was made in', advice: 'Name a folder under runs/.' });
    await refuseGoing(run);
    runs.push(run);
  }
  for (const { folder, id } of runs) {
    const bytes = dryRun ? await diskBytes(folder) : await removeForGood(path.dirname(folder), [folder]);
    output.line(`${dryRun ? 'would delete' : 'deleted'} ${id}: ${byteSize(bytes)}`);
  }
  return EXIT.finished;
}
