/** Run Sweep: says how many runs, how long and how much disk, and once that is agreed to starts the queue as a process of its own. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { DistillError } from '../../errors.ts';
import { type LaunchConfig } from '../../experiment/sweepSchema.ts';
import { type Plan } from '../../sweep/plan.ts';
import { type Choice } from '../../sweep/prepare.ts';
import { type CommandFactory, type Context } from '../context.ts';
import { nodePath, runsRootFor, userLaunch } from '../settings.ts';
import { goes, isRetry, isResumable, makesSweep } from '../sweep.ts';
import { startQuestion } from '../sweepWords.ts';
import { chooseExperiment, isSaved, showFirstProblem, versionOf } from './run.ts';
import { chooseSweep } from './sweepTargets.ts';
import { isTrusted } from './targets.ts';

/** More at once is nobody's intention. */
const MOST_AT_ONCE = 1000;
/** How long the queue may take until it has opened its sweep; a slow machine takes seconds for the bundle alone. */
const OPENING_MS = 60_000;

export const runSweep: CommandFactory = (context) => async (target) => {
  if (!await isTrusted()) return;
  const document = await chooseExperiment(target);
  if (document === undefined || !await isSaved(document)) return;
  if (!makesSweep(document.getText())) {
    const run = vscode.l10n.t('Run Distillation');
    const answer = await vscode.window.showInformationMessage(vscode.l10n.t('This file makes one run: it has neither `seeds` nor `sweep`.'), run);
    if (answer === run) await vscode.commands.executeCommand('distillLab.run', document.uri);
    return;
  }
  await startSweep(context, document);
};

/** @param document saved. */
export async function startSweep(context: Context, document: vscode.TextDocument): Promise<void> {
  const file = document.uri.fsPath;
  if (!await mayGoBeside(context, file)) return;
  const errors = await context.diagnostics.check(document);
  const [first] = errors;
  if (first !== undefined) {
    await showFirstProblem(document, first.range, errors.length, first.message);
    return;
  }
  const { checkedPlan, makeSweep } = await import('../../sweep/prepare.ts');
  const text = document.getText();
  const plan = checkedPlan(text, file);
  const flaws = plan.problems.filter(({ severity }) => severity === 'error');
  const [flaw] = flaws;
  if (flaw !== undefined || plan.experiment === undefined) {
    if (flaw !== undefined) await showFirstProblem(document, flaw.range, flaws.length, flaw.message);
    return;
  }
  const launch = await agreed(context, document.uri, plan);
  if (launch === undefined) return;
  const folder = await makeSweep({ plan, text, file, runsRoot: runsRootFor(document.uri), version: versionOf(context), launch });
  await begin(context, folder, false);
}

export const resumeSweep: CommandFactory = (context) => async (target) => {
  if (!await isTrusted()) return;
  const sweep = await chooseSweep(context, target, isResumable, { none: vscode.l10n.t('There is no sweep to resume.'), ask: vscode.l10n.t('Sweep to resume') });
  if (sweep === undefined || !isResumable(sweep)) return;
  await begin(context, sweep.folder, isRetry(sweep));
};

async function mayGoBeside({ sweeps, runs }: Context, file: string): Promise<boolean> {
  const going = sweeps.allOf(file).find(goes);
  const live = runs.live().find(({ sourceFile }) => sourceFile === file);
  const name = going?.name ?? live?.name;
  if (name === undefined) return true;
  const again = vscode.l10n.t('Run Sweep');
  return await vscode.window.showWarningMessage(vscode.l10n.t('{0} is still running. Both share the machine and each takes longer.', name), again) === again;
}

/** Asks until it is started or thought better of. */
async function agreed({ runs }: Context, uri: vscode.Uri, plan: Plan): Promise<LaunchConfig | undefined> {
  const [{ forecast, launchOf }, { checkedLaunch, readUserLaunch }] = await Promise.all([import('../../sweep/prepare.ts'), import('../../launch/userLaunch.ts')]);
  const defaults: Choice['defaults'] = [checkedLaunch(userLaunch(uri), 'distillLab.launch'), await readUserLaunch()];
  const [start, change] = [vscode.l10n.t('Start'), vscode.l10n.t('Runs at Once…')];
  for (let atOnce: number | undefined; ;) {
    const launch = launchOf(plan, { atOnce, defaults, file: uri.fsPath });
    const { estimate, launcher } = await forecast(plan, uri.fsPath, launch, runs.all());
    const { message, detail } = startQuestion(vscode.l10n.t, plan, estimate, { launcher: launcher.name, atOnce: launcher.atOnce });
    const answer = await vscode.window.showInformationMessage(message, { modal: true, detail }, start, change);
    if (answer === start) {
      if (launcher.check !== undefined) await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Asking {0} whether runs can start…', launcher.name) }, async () => launcher.check?.(runsRootFor(uri)));
      return launch;
    }
    if (answer !== change) return undefined;
    atOnce = await askAtOnce(launch.atOnce ?? 1) ?? atOnce;
  }
}

async function askAtOnce(present: number): Promise<number | undefined> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Runs at once'), value: String(present), prompt: vscode.l10n.t('So many runs at the same time; with several GPUs, on each of them.'),
    validateInput: (value) => (numberIn(value) === undefined ? vscode.l10n.t('A whole number from 1 to {0}', MOST_AT_ONCE) : undefined),
  });
  return text === undefined ? undefined : numberIn(text);
}

function numberIn(text: string): number | undefined {
  const number = Number(text.trim());
  return /^\d+$/.test(text.trim()) && number >= 1 && number <= MOST_AT_ONCE ? number : undefined;
}

/** Starts the queue and waits until it has taken up the sweep. @throws DistillError DL708 with its last words when it does not. */
async function begin(context: Context, folder: string, retry: boolean): Promise<void> {
  const { startQueue } = await import('../../sweep/startQueue.ts');
  const child = await startQueue({ folder, cliPath: context.cliPath, node: nodePath(), retry });
  const gone = new Promise<'gone'>((resolve) => { child.once('exit', () => { resolve('gone'); }); });
  context.log.info(`started the queue of ${folder}`);
  await context.sweeps.started(folder);
  const id = path.basename(folder);
  for (const end = Date.now() + OPENING_MS; Date.now() < end;) {
    const sweep = context.sweeps.byId(id);
    // A folder outside of the workspace is not looked at.
    if (sweep === undefined || sweep.state === 'running') break;
    const isGone = await Promise.race([gone, sleep(200)]) === 'gone';
    await context.sweeps.look();
    if (!isGone) continue;
    if (context.sweeps.byId(id)?.state === 'preparing') throw await neverBegan(folder);
    break;
  }
  const sweep = context.sweeps.byId(id);
  if (sweep !== undefined) await context.runsView.revealSweep(sweep);
  vscode.window.setStatusBarMessage(vscode.l10n.t('The sweep is going; it goes on when the window is closed.'), 5000);
}

async function neverBegan(folder: string): Promise<DistillError> {
  const { readLogTail } = await import('../../store/index.ts');
  const words = (await readLogTail(folder)).join(' ');
  return new DistillError('DL708', 'The queue of the sweep could not be started.', { where: { file: folder }, got: words, advice: words === '' ? 'See log.txt in its folder.' : words.slice(0, 300) });
}
