/** Doctor: what there is to compute with, and what is missing, as a list; choosing a line carries out its fix. */
import path from 'node:path';
import * as vscode from 'vscode';
import { inBackground, type CommandFactory, type Context } from '../context.ts';
import { carryOut } from '../doctorFixes.ts';
import { exists } from '../files.ts';
import { findingsOf, INSTALLER_NAMES, nodeMissing, type Finding } from '../findings.ts';
import { nodePath } from '../settings.ts';
import { runWithProgress } from '../toolProgress.ts';

export const doctor: CommandFactory = (context) => async () => {
  for (;;) {
    const findings = await diagnose(context);
    if (findings === undefined) return;
    for (const { state, title, detail } of findings) context.log.info(`${state === 'good' ? '' : `${state}: `}${title}${detail === undefined ? '' : ` · ${detail}`}`);
    const answer = await show(context, findings);
    if (answer === undefined || (answer !== 'again' && !await carryOut(context, answer))) return;
  }
};

/** @returns undefined when it was cancelled. */
async function diagnose(context: Context): Promise<readonly Finding[] | undefined> {
  const { diagnosisIn } = await import('../../firstSteps/diagnosis.ts');
  const { t } = vscode.l10n;
  const lines: string[] = [];
  try {
    const code = await runWithProgress(context, ['doctor', '--json'], t('Looking at the engine'), { read: (line) => { lines.push(line); return {}; } });
    if (code === undefined) return undefined;
  } catch (error) {
    return [nodeMissing(t, nodePath(), error instanceof Error ? error.message : String(error))];
  }
  const diagnosis = diagnosisIn(lines);
  if (diagnosis === undefined) return [nodeMissing(t, nodePath(), lines.filter((line) => line.trim() !== '').slice(-3).join(' '))];
  return findingsOf(t, diagnosis, { installers: await installers(), ownNode: nodePath() !== process.execPath });
}

async function installers(): Promise<string[]> {
  const found = await Promise.all(INSTALLER_NAMES.map(async (name) => (await exists(vscode.Uri.file(path.posix.join('/usr/bin', name))) ? name : undefined)));
  return found.filter((name) => name !== undefined);
}

interface Item extends vscode.QuickPickItem {
  readonly finding: Finding;
}

/** @returns the finding whose fix is wanted, `again` for another look, undefined when it was left. */
async function show(context: Context, findings: readonly Finding[]): Promise<Finding | 'again' | undefined> {
  const again: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('refresh'), tooltip: vscode.l10n.t('Look Again') };
  const log: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('output'), tooltip: vscode.l10n.t('Show Log') };
  const open = findings.filter(({ state }) => state !== 'good').length;
  const list = vscode.window.createQuickPick<Item>();
  list.title = open === 0 ? vscode.l10n.t('Doctor: all is well') : vscode.l10n.t('Doctor');
  list.placeholder = open === 0 ? vscode.l10n.t('What was found') : vscode.l10n.t('Choose a line to carry out what stands behind its arrow');
  list.buttons = [again, log];
  list.matchOnDetail = true;
  list.items = findings.map((finding) => ({
    label: finding.title, iconPath: iconOf(finding), finding, alwaysShow: finding.state !== 'good',
    ...(finding.fix === undefined ? {} : { description: `→ ${finding.fix.label}` }), ...(finding.detail === undefined ? {} : { detail: finding.detail }),
  }));
  return new Promise((resolve) => {
    const close = (answer: Finding | 'again' | undefined): void => {
      resolve(answer);
      list.dispose();
    };
    list.onDidTriggerButton((button) => {
      if (button === log) context.log.show(true);
      else close('again');
    });
    list.onDidAccept(() => {
      const finding = list.selectedItems[0]?.finding;
      if (finding?.fix !== undefined) close(finding);
      else if (finding !== undefined) inBackground(context.log, Promise.resolve(vscode.env.clipboard.writeText([finding.title, finding.detail].join('\n').trim())));
    });
    list.onDidHide(() => { close(undefined); });
    list.show();
  });
}

function iconOf({ state }: Finding): vscode.ThemeIcon {
  switch (state) {
    case 'good': return new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'));
    case 'notice': return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
    case 'problem': return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  }
}
