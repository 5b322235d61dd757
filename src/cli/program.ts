/** The commands and their options. Everything heavy is imported inside the command that needs it. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Arm } from '../experiment/record.ts';
import { hearStopSignals } from '../run/stopSignals.ts';
import { type CacheOptions } from './commands/cache.ts';
import { type CleanOptions } from './commands/clean.ts';
import { type CompareOptions } from './commands/compare.ts';
import { type EvaluateOptions } from './commands/evaluate.ts';
import { type ExportOptions } from './commands/export.ts';
import { type PredictOptions } from './commands/predict.ts';
import { type ResumeOptions } from './commands/resume.ts';
import { type RunOptions } from './commands/run.ts';
import { type RunsOptions } from './commands/runs.ts';
import { type StopOptions } from './commands/stop.ts';
import { type SweepOptions } from './commands/sweep.ts';
import { type TeachersOptions } from './commands/teachers.ts';
import { EXIT, type Output, reportError } from './output.ts';
import { type Surroundings, versionOf } from './surroundings.ts';

const LAUNCHERS = ['local', 'slurm', 'ray', 'kubernetes'] as const;
const METRICS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'gain'] as const;

const EXIT_CODES = `
Exit codes: 0 finished, 1 failed, 2 bad input, 3 stopped, 4 killed or lost.
Documentation: docs/cli.md; errors: docs/errors.md.`;

/** @param args without node and the program's path. @returns the exit code. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let code: number = EXIT.finished;
  const program = createProgram(surroundings, (result) => { code = result; });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Help and version end this way too, with code 0; commander has printed what there was to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.finished : EXIT.badInput;
    return reportError(surroundings.output, error);
  }
}

function createProgram(surroundings: Surroundings, done: (code: number) => void): Command {
  const { output } = surroundings;
  const program = new Command('distill-lab')
    .description('Knowledge distillation for object detectors: one YAML file, live curves, attention masks, honest gains.')
    .version(versionOf(surroundings.cliPath))
    .configureOutput(writersOf(output))
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODES);
  addRuns(program, surroundings, done);
  addNetworks(program, surroundings, done);
  addCache(program, surroundings, done);
  addTools(program, surroundings, done);
  return program;
}

function writersOf(output: Output): { writeOut: (text: string) => void; writeErr: (text: string) => void } {
  return { writeOut: (text) => { output.line(text.trimEnd()); }, writeErr: (text) => { output.note(text.trimEnd()); } };
}

const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];

function withRunOptions(command: Command): Command {
  return command
    .option('--set <key=value>', 'change a key for this run, e.g. train.batch=8 (repeatable)', collect, [])
    .option('--seed <number>', 'short for --set train.seed=…')
    .option('--steps <number>', 'short for --set train.steps=…')
    .option('--runs <folder>', 'where run folders are made', 'runs')
    .option('--json', 'events as JSON lines; the last line is the result', false);
}

function addRuns(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  withRunOptions(program.command('run').argument('<experiment>', 'a *.distill.yaml file'))
    .description('train, and follow the run until it ends')
    .option('--detach', 'start the run and return', false)
    .action(async (file: string, options: RunOptions) => { done(await (await import('./commands/run.ts')).run(surroundings, file, options)); });
  program.command('resume').argument('<run>', 'run folder')
    .description('go on with a run from its last checkpoint, to its end or further')
    .option('--steps <number>', 'lengthen the run, also a finished one, to so many steps in all')
    .addOption(new Option('--epochs <number>', 'the same in epochs').conflicts('steps'))
    .option('--as-started', 'go on with the values the run was started with, though the file has changed', false)
    .option('--json', 'events as JSON lines; the last line is the result', false)
    .option('--detach', 'start and return', false)
    .action(async (run: string, options: ResumeOptions) => { done(await (await import('./commands/resume.ts')).resume(surroundings, run, options)); });
  program.command('stop').argument('<run>', 'run folder')
    .description('ask a run to save and end')
    .option('--kill', 'end it now; what came after its last checkpoint is lost', false)
    .option('--no-wait', 'do not wait until it has ended')
    .action(async (run: string, options: StopOptions) => { done(await (await import('./commands/stop.ts')).stop(surroundings, run, options)); });
  addSweeps(program, surroundings, done);
  addKeeping(program, surroundings, done);
  program.command('compare').argument('<runs...>', 'run folders')
    .description('runs beside each other: figures, the keys that differ, AP by class')
    .option('--baseline <run>', 'the run that differences are shown against')
    .option('--no-join', 'show the seeds of one experiment one by one')
    .option('--sort <column>', 'order by a column, greatest first')
    .addOption(new Option('--csv', 'the results as CSV').default(false).conflicts(['markdown', 'html', 'json']))
    .addOption(new Option('--markdown', 'a Markdown report').default(false).conflicts(['html', 'json']))
    .addOption(new Option('--html', 'a self-contained HTML report with curves').default(false).conflicts(['json']))
    .option('--json', 'one JSON object', false)
    .option('--output <file>', 'file to write; default: the terminal')
    .action(async (folders: string[], options: CompareOptions) => { done(await (await import('./commands/compare.ts')).compare(surroundings, folders, options)); });
  withRunOptions(program.command('demo'))
    .description('the example experiment on drawn scenes: teacher, student without distillation, distilled')
    .action(async (options: RunOptions) => { done(await (await import('./commands/demo.ts')).demo(surroundings, options)); });
  program.command('child-environment', { hidden: true })
    .action(async () => {
      const { engineEnvironment } = await import('../launch/environment.ts');
      for (const [name, value] of Object.entries(engineEnvironment())) surroundings.output.line(`export ${name}=${value}`);
    });
  program.command('run-child', { hidden: true }).argument('<run>', 'run folder')
    .action(async (run: string) => {
      const stop = hearStopSignals();
      done(await (await import('../run/child.ts')).runChild(run, stop));
    });
}

function addKeeping(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  program.command('runs').argument('[folder]', 'folder of run folders', 'runs')
    .description('list runs, pinned ones first')
    .addOption(new Option('--sort <order>', 'what comes first').choices(['newest', 'ap', 'gain', 'name', 'size']).default('newest'))
    .option('--filter <words>', 'only runs that tell all these words: name, experiment, methods, state', '')
    .addOption(new Option('--state <states...>', 'only runs in these states').choices(['preparing', 'running', 'stopping', 'stopped', 'finished', 'failed', 'killed', 'lost']))
    .option('--json', 'one JSON array', false)
    .action(async (folder: string, options: RunsOptions) => { done(await (await import('./commands/runs.ts')).runs(surroundings, folder, options)); });
  program.command('delete').argument('<runs...>', 'run folders')
    .description('delete runs for good, and tell what that frees')
    .option('--dry-run', 'only tell', false)
    .action(async (folders: string[], options: { dryRun: boolean }) => { done(await (await import('./commands/delete.ts')).deleteRuns(surroundings, folders, options)); });
  program.command('clean').argument('[folder]', 'folder of run folders', 'runs')
    .description('delete runs without a step, leftover checkpoints, and masks beyond a quota; pinned runs keep all')
    .option('--dry-run', 'only list what would go', false)
    .option('--pictures-quota <MB>', 'what all recorded masks together may take')
    .option('--json', 'one JSON object', false)
    .action(async (folder: string, options: CleanOptions) => { done(await (await import('./commands/clean.ts')).clean(surroundings, folder, options)); });
}

function addCache(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  program.command('cache').argument('[folder]', 'folder of a cache; default: the user\'s own')
    .description('outputs of teachers that runs have kept (engine.teacherCache): what they take, teacher by teacher')
    .option('--delete', 'delete what is listed; runs compute it anew', false)
    .addOption(new Option('--unused <days>', 'only what was not used for so many days').argParser(days))
    .option('--json', 'one JSON object', false)
    .action(async (folder: string | undefined, options: CacheOptions) => { done(await (await import('./commands/cache.ts')).cache(surroundings, folder, options)); });
}

function days(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('A number of days, 0 or more.');
  return value;
}

function addSweeps(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  program.command('sweep').argument('[experiment]', 'a *.distill.yaml file with `seeds` or `sweep`')
    .description('train all runs of a file: its seeds, its combinations, their controls')
    .option('--set <key=value>', 'change a key for all runs (repeatable)', collect, [])
    .option('--runs <folder>', 'where run folders are made', 'runs')
    .option('--runs-at-once <number>', 'runs at the same time; on each GPU where there are several')
    .addOption(new Option('--launcher <where>', 'who starts the runs; kubernetes is experimental: never run on a real cluster').choices(LAUNCHERS))
    .option('--dry-run', 'say what would be trained, how long and how much disk, and start nothing', false)
    .option('--detach', 'leave the queue working in the background and return', false)
    .option('--resume <sweep>', 'take up a sweep again: what is finished is not repeated')
    .option('--retry', 'with --resume: also runs that failed or were stopped by hand', false)
    .option('--pause <sweep>', 'ask the queue to let its runs save and end, for now')
    .option('--stop <sweep>', 'the same, for good')
    .option('--results <sweep>', 'only show the table')
    .addOption(new Option('--by <metric>', 'what the best combination is chosen by').choices(METRICS).default('AP'))
    .option('--write-best <file>', 'write the best combination as an experiment file')
    .option('--json', 'runs as JSON lines as they end; the last line is the result', false)
    .action(async (file: string | undefined, options: SweepOptions) => { done(await (await import('./commands/sweep.ts')).sweep(surroundings, file, options)); });
  program.command('sweep-child', { hidden: true }).argument('<sweep>', 'folder of a sweep')
    .option('--runs-at-once <number>', '').addOption(new Option('--launcher <where>', '').choices(LAUNCHERS)).option('--retry', '', false)
    .action(async (folder: string, options: SweepOptions) => { done(await (await import('./commands/sweep.ts')).sweepChild(surroundings, folder, options)); });
}

function addNetworks(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  const weights = (): Option => new Option('--weights <file>', 'weight file (.safetensors, .pth, .pt); default: the run\'s checkpoint');
  const checkpoint = (): Option => new Option('--checkpoint <which>', 'which checkpoint of a run').choices(['best', 'last']).default('best');
  const arms: readonly Arm[] = ['student', 'control', 'controlInherit'];
  const arm = (): Option => new Option('--arm <arm>', 'which network of a run').choices(arms).default('student');
  program.command('evaluate').argument('<experiment or run>', 'a *.distill.yaml file or a run folder')
    .description('COCO AP and AR on the validation set')
    .addOption(weights()).addOption(checkpoint()).addOption(arm())
    .addOption(new Option('--subject <who>', 'whose section of the experiment describes the network').choices(['student', 'teacher']).default('student'))
    .option('--json', 'one JSON object, in per cent', false)
    .action(async (target: string, options: EvaluateOptions) => { done(await (await import('./commands/evaluate.ts')).evaluate(surroundings, target, options)); });
  program.command('predict').argument('<experiment or run>', 'a *.distill.yaml file or a run folder').argument('<images...>', 'images or folders of images')
    .description('detections as JSON, and annotated pictures')
    .addOption(weights()).addOption(checkpoint()).addOption(arm())
    .option('--output <folder>', 'where predictions.json and the pictures go', 'predictions')
    .option('--score <number>', 'least score of a detection, 0 to 1', '0.3')
    .option('--json', 'a JSON object about what was written', false)
    .action(async (target: string, images: string[], options: PredictOptions) => { done(await (await import('./commands/predict.ts')).predict(surroundings, target, images, options)); });
  program.command('export').argument('<run>', 'run folder')
    .description('the trained student alone, as safetensors')
    .option('--output <file>', 'file to write; default: student.safetensors in the run folder')
    .addOption(checkpoint())
    .addOption(new Option('--naming <whose>', 'whose names the tensors get').choices(['mmdetection', 'torchvision']).default('mmdetection'))
    .option('--json', 'a JSON object about what was written', false)
    .action(async (run: string, options: ExportOptions) => { done(await (await import('./commands/export.ts')).exportWeights(surroundings, run, options)); });
  program.command('teachers').argument('<experiment>', 'a *.distill.yaml file with a list of teachers')
    .description('how far it is from each teacher to each other, and the order in which they should teach')
    .option('--set <key=value>', 'change a key before comparing (repeatable)', collect, [])
    .option('--images <number>', 'training images to compare on', '32')
    .option('--student <file>', 'weights of a student trained without distillation; default: as the experiment starts it')
    .option('--json', 'one JSON object', false)
    .action(async (file: string, options: TeachersOptions) => { done(await (await import('./commands/teachers.ts')).teachers(surroundings, file, options)); });
  program.command('report').argument('<run>', 'run folder')
    .description('one self-contained HTML page with curves, masks and table')
    .option('--output <file>', 'file to write; default: report.html in the run folder')
    .action(async (run: string, options: { output?: string }) => { done(await (await import('./commands/report.ts')).report(surroundings, run, options)); });
}

function addTools(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  program.command('validate').argument('<experiments...>', '*.distill.yaml files')
    .description('check experiment files and start nothing')
    .option('--set <key=value>', 'change a key before checking (repeatable)', collect, [])
    .option('--json', 'problems as one JSON array', false)
    .action(async (files: string[], options: { set: string[]; json: boolean }) => { done(await (await import('./commands/validate.ts')).validate(surroundings, files, options)); });
  program.command('methods')
    .description('the distillation methods; with a name, its options')
    .argument('[method]', 'the word after `method:`')
    .option('--json', 'one JSON array, with all options', false)
    .action(async (method: string | undefined, options: { json: boolean }) => { done(await (await import('./commands/methods.ts')).listMethods(surroundings, method, options)); });
  program.command('doctor')
    .description('what engine there is, how fast, and what to do about what is missing')
    .option('--json', 'one JSON object', false)
    .action(async (options: { json: boolean }) => { done(await (await import('./commands/engine.ts')).doctor(surroundings, options)); });
  program.command('setup')
    .description('get native TensorFlow into a folder of its own')
    .option('--force', 'build it anew even if one is there', false)
    .option('--json', 'progress as JSON lines; the last line is the result', false)
    .action(async (options: { force: boolean; json: boolean }) => { done(await (await import('./commands/engine.ts')).setup(surroundings, options)); });
}
