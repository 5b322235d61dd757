/** Setup Engine: fetches and builds native TensorFlow into a folder of its own. Cancelled, it leaves nothing behind. */
import * as vscode from 'vscode';
import { type SetupProgress } from '../../firstSteps/setupProgress.ts';
import { type CommandFactory } from '../context.ts';
import { runWithProgress, type Told } from '../toolProgress.ts';
import { isTrusted } from './targets.ts';

/** Called with `anew` it builds what is there once more. */
export const setup: CommandFactory = (context) => async (how) => {
  if (!await isTrusted()) return;
  const { setupLine, shareDone } = await import('../../firstSteps/setupProgress.ts');
  const errors: string[] = [];
  let lastLogged = '';
  const read = (line: string): Told => {
    const told = setupLine(line);
    if (told === undefined) {
      if (line.trim() !== '') errors.push(line.trim());
      return { log: line };
    }
    if (told.type === 'result') return { log: `TensorFlow ${told.tensorflow} (${told.flavour}): ${told.folder}`, share: 1 };
    // A line for each stage, not for each percent.
    const log = told.stage === lastLogged ? undefined : told.message;
    lastLogged = told.stage;
    return { log, message: stageLine(told), share: shareDone(told) };
  };
  const args = ['setup', '--json', ...(how === 'anew' ? ['--force'] : [])];
  const code = await runWithProgress(context, args, vscode.l10n.t('Setting up the engine'), { read });
  if (code === undefined) return;
  if (code === 0) {
    await vscode.window.showInformationMessage(vscode.l10n.t('The engine is set up. The next run uses it.'));
    return;
  }
  const [doctor, log] = [vscode.l10n.t('Doctor'), vscode.l10n.t('Show Log')];
  const reason = errors[0] ?? '';
  const answer = await vscode.window.showErrorMessage(`${vscode.l10n.t('The engine could not be set up. Runs use a slower engine until then.')} ${reason}`.trim(), doctor, log);
  if (answer === log) context.log.show(true);
  if (answer === doctor) await vscode.commands.executeCommand('distillLab.doctor');
};

function stageLine({ stage, fraction }: SetupProgress): string {
  const percent = fraction === undefined ? '' : ` ${Math.floor(100 * fraction)} %`;
  switch (stage) {
    case 'look': return vscode.l10n.t('looking for native TensorFlow');
    case 'wait': return vscode.l10n.t('another set-up is at work; waiting for it');
    case 'download': return `${vscode.l10n.t('downloading TensorFlow')}${percent}`;
    case 'unpack': return `${vscode.l10n.t('unpacking')}${percent}`;
    case 'compile': return vscode.l10n.t('compiling the bridge to TensorFlow');
    case 'check': return vscode.l10n.t('loading it once');
    case 'done': return vscode.l10n.t('done');
  }
}
