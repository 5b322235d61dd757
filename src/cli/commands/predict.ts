/** `distill-lab predict`: detections of images or folders, as JSON and as annotated pictures. */
import path from 'node:path';
import { engineEnvironment } from '../../launch/environment.ts';
import { DistillError } from '../../errors.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';
import { readTarget, type TargetOptions } from '../target.ts';

export interface PredictOptions extends Omit<TargetOptions, 'subject'> {
  readonly output: string;
  readonly score: string;
  readonly json: boolean;
}

export async function predict({ output }: Surroundings, target: string, inputs: readonly string[], options: PredictOptions): Promise<number> {
  const scoreThreshold = Number(options.score);
  if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) throw new DistillError('DL713', '`--score` is out of range.', { expected: 'a number from 0 to 1', got: options.score });
  const found = await readTarget(target, { ...options, subject: 'student' });
  Object.assign(process.env, engineEnvironment());
  const { predict: predictImages } = await import('../../run/predict.ts');
  const { images, detections, files } = await predictImages({
    ...found, inputs: inputs.map((input) => path.resolve(input)), output: path.resolve(options.output), scoreThreshold,
    onProgress: (done, total) => { if (!options.json) output.status(`image ${done}/${total}`); },
  });
  output.status('');
  output.line(options.json ? JSON.stringify({ images, detections, files }) : `${detections} detections in ${images} images: ${files[0] ?? options.output}`);
  return EXIT.finished;
}
