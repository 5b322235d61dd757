/** Order, groups and choice of the rows, as the workspace remembers them. */
import type * as vscode from 'vscode';
import { type RunState } from '../../experiment/record.ts';
import { type SortKey } from '../../store/arrange.ts';

export interface Arrangement {
  readonly sort: SortKey;
  readonly isGrouped: boolean;
  readonly text: string;
  readonly states: readonly RunState[];
}

const USUAL: Arrangement = { sort: 'newest', isGrouped: true, text: '', states: [] };
const KEY = 'runsView';

export function arrangementIn(memory: vscode.Memento): Arrangement {
  return { ...USUAL, ...memory.get<Partial<Arrangement>>(KEY, {}) };
}

export async function arrange(memory: vscode.Memento, change: Partial<Arrangement>): Promise<void> {
  await memory.update(KEY, { ...arrangementIn(memory), ...change });
}
