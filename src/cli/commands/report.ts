/** `distill-lab report`: one self-contained HTML page of a run. */
import path from 'node:path';
import { FILES } from '../../experiment/record.ts';
import { readResolved } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export async function report({ output }: Surroundings, run: string, options: { readonly output?: string | undefined }): Promise<number> {
  const folder = path.resolve(run);
  await readResolved(folder);
  const { writeReport } = await import('../../report/report.ts');
  output.line(await writeReport(folder, path.resolve(options.output ?? path.join(folder, FILES.report))));
  return EXIT.finished;
}
