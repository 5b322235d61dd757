/** Open Walkthrough: the first steps, on VS Code's own page for them. */
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';

/** As `package.json` names it. */
const WALKTHROUGH = 'firstSteps';

export const walkthrough: CommandFactory = ({ extension }) => async () => {
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${extension.extension.id}#${WALKTHROUGH}`, false);
};
