/** `distill-lab demo`: the example experiment on drawn scenes, then the table and a report. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { DistillError } from '../../errors.ts';
import { FILES } from '../../experiment/record.ts';
import { createRunFolder, startLocal } from '../../launch/index.ts';
import { checkExperimentFile, printProblems } from '../experimentFile.ts';
import { exitCodeOfRun, followRun } from '../follow.ts';
import { EXIT } from '../output.ts';
import { resultObject } from '../results.ts';
import { productFolder, type Surroundings, versionOf } from '../surroundings.ts';
import { overridesOf, type RunOptions, tell } from './run.ts';

const TEACHER = 'examples/teachers/scenes-retinanet-small.safetensors';

export async function demo({ output, cliPath }: Surroundings, options: Omit<RunOptions, 'detach'>): Promise<number> {
  const product = productFolder(cliPath);
  const file = path.join(product, 'examples', 'scenes-fgd.distill.yaml');
  if (!existsSync(path.join(product, TEACHER))) throw withoutTeacher(path.join(product, TEACHER));
  const overrides = overridesOf(options);
  const { experiment, problems, text, positions } = await checkExperimentFile(file, overrides);
  printProblems(problems, output);
  if (experiment === undefined) return EXIT.badInput;
  const folder = await createRunFolder({ experimentFile: file, text, experiment, positions, runsRoot: path.resolve(options.runs), overrides, version: versionOf(cliPath) });
  await startLocal({ folder, cliPath });
  const ended = await followRun({ folder, output, json: options.json });
  const report = ended.state === 'finished' ? await writeReport(folder) : undefined;
  if (options.json) {
    output.line(JSON.stringify({ ...resultObject(ended), report }));
    return exitCodeOfRun(ended);
  }
  const code = tell(ended, false, output);
  output.line(`run folder: ${folder}`);
  if (report !== undefined) output.line(`report:     ${report}`);
  return code;
}

async function writeReport(folder: string): Promise<string> {
  const { writeReport: write } = await import('../../report/report.ts');
  return write(folder, path.join(folder, FILES.report));
}

function withoutTeacher(file: string): DistillError {
  return new DistillError('DL714', 'The demo\'s teacher is missing, and there is no teacher without its file.', {
    where: { file },
    advice: `Train it: \`distill-lab run examples/scenes-teacher.distill.yaml\`, then \`distill-lab export runs/RUN --output ${TEACHER}\`.`,
  });
}
