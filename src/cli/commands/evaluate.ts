/** `distill-lab evaluate`: a weight file or a run's checkpoint on the experiment's validation set. */
import { engineEnvironment } from '../../launch/environment.ts';
import { EXIT } from '../output.ts';
import { metricsTable } from '../results.ts';
import { type Surroundings } from '../surroundings.ts';
import { readTarget, type TargetOptions } from '../target.ts';

export interface EvaluateOptions extends TargetOptions {
  readonly json: boolean;
}

export async function evaluate({ output }: Surroundings, target: string, options: EvaluateOptions): Promise<number> {
  const { subject, json } = options;
  const { experiment, baseFolder, weights } = await readTarget(target, options);
  Object.assign(process.env, engineEnvironment());
  const { evaluateWeights } = await import('../../run/evaluate.ts');
  const { metrics, perClass, seconds } = await evaluateWeights({
    experiment, baseFolder, weights, subject,
    onProgress: (done, total) => { if (!json) output.status(`image ${done}/${total}`); },
  });
  output.status('');
  if (json) {
    const inPercent = (of: typeof metrics): object => Object.fromEntries(Object.entries(of).map(([name, value]) => [name, value < 0 ? null : Math.round(value * 1e6) / 1e4]));
    output.line(JSON.stringify({ ...inPercent(metrics), perClass: Object.fromEntries(Object.entries(perClass).map(([name, of]) => [name, inPercent(of)])), seconds, weights }));
  } else {
    for (const line of metricsTable(metrics, perClass)) output.line(line);
    output.line(`${weights}, ${seconds.toFixed(1)} s`);
  }
  return EXIT.finished;
}
