/** `distill-lab doctor` and `distill-lab setup`: what engine there is, and getting the native one. */
import { engineEnvironment } from '../../launch/environment.ts';
import { type SetupProgress } from '../../engine/native/setup.ts';
import { EXIT, type Output } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export async function doctor({ output }: Surroundings, options: { readonly json: boolean }): Promise<number> {
  Object.assign(process.env, engineEnvironment());
  const { diagnose, formatDiagnosis } = await import('../../engine/doctor.ts');
  const diagnosis = await diagnose();
  output.line(options.json ? JSON.stringify(diagnosis) : formatDiagnosis(diagnosis));
  // Slower engines work too, but whoever asks the doctor wants to know.
  return diagnosis.used?.backend === 'tensorflow' ? EXIT.finished : EXIT.failed;
}

export async function setup({ output }: Surroundings, options: { readonly force: boolean; readonly json: boolean }): Promise<number> {
  const { runSetup } = await import('../../engine/native/setup.ts');
  const abort = new AbortController();
  const onSignal = (): void => { abort.abort(); };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  const result = await runSetup({ force: options.force, signal: abort.signal, onProgress: options.json ? jsonProgress(output) : textProgress(output) });
  const { folder, tensorflow, flavour, installed, seconds } = result;
  output.status('');
  if (options.json) output.line(JSON.stringify({ type: 'result', ...result }));
  else output.line(installed ? `TensorFlow ${tensorflow} (${flavour}) is set up in ${folder}, ${seconds.toFixed(0)} s` : `TensorFlow ${tensorflow} (${flavour}) is there already: ${folder}`);
  return EXIT.finished;
}

function textProgress(output: Output): (progress: SetupProgress) => void {
  let last = '';
  return ({ message, fraction }) => {
    const share = fraction === undefined ? '' : ` ${Math.round(100 * fraction)} %`;
    if (output.terminal) output.status(`${message}${share}`.slice(0, output.columns - 1));
    // A line for each stage, not for each percent.
    else if (message !== last) output.line(message);
    last = message;
  };
}

/** A line for each percent of each stage. */
function jsonProgress(output: Output): (progress: SetupProgress) => void {
  let last = '';
  return ({ stage, message, fraction }) => {
    const now = `${stage} ${fraction === undefined ? message : Math.floor(100 * fraction)}`;
    if (now === last) return;
    last = now;
    output.line(JSON.stringify({ type: 'progress', stage, message, fraction }));
  };
}
