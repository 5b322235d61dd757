/** `distill-lab export`: the trained student alone, without teacher and adapters. */
import path from 'node:path';
import { readResolved } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export interface ExportOptions {
  readonly output?: string | undefined;
  readonly checkpoint: 'best' | 'last';
  readonly naming: 'mmdetection' | 'torchvision';
  readonly json: boolean;
}

export async function exportWeights({ output }: Surroundings, run: string, options: ExportOptions): Promise<number> {
  const folder = path.resolve(run);
  // Says so when this is no run folder.
  await readResolved(folder);
  const { exportStudent } = await import('../../run/exportStudent.ts');
  const { file, tensors, digest } = await exportStudent({ folder, output: path.resolve(options.output ?? path.join(folder, 'student.safetensors')), checkpoint: options.checkpoint, naming: options.naming });
  output.line(options.json ? JSON.stringify({ file, tensors, digest }) : `${file}: ${tensors} tensors, sha256 ${digest}`);
  return EXIT.finished;
}
