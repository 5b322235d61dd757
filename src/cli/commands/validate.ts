/** `distill-lab validate`: checks experiment files and starts nothing. */
import { checkExperimentFile, printProblems, problemObjects } from '../experimentFile.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export async function validate({ output }: Surroundings, files: readonly string[], options: { readonly set: readonly string[]; readonly json: boolean }): Promise<number> {
  let flawed = false;
  const results: object[] = [];
  for (const file of files) {
    const { problems, experiment } = await checkExperimentFile(file, options.set);
    flawed ||= experiment === undefined;
    results.push({ file, valid: experiment !== undefined, problems: problemObjects(problems) });
    if (options.json) continue;
    printProblems(problems, output);
    if (experiment !== undefined) output.line(`${file}: ${experiment.name} is valid`);
  }
  if (options.json) output.line(JSON.stringify(results));
  return flawed ? EXIT.badInput : EXIT.finished;
}
