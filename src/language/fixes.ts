/**
 * Quick fixes: a problem's repairs as edits of the text. A fix is only offered when, after it, its problem is gone and no other
 * has come: the text with the edit is read again before anybody sees its title.
 */
import { readExperiment, type ReadResult } from '../experiment/load.ts';
import { formatKey } from '../experiment/keyPath.ts';
import { type Problem } from '../experiment/problems.ts';
import { applyChanges, difference } from './fixesEdits.ts';
import { titleOf, type Translate } from './fixesWords.ts';
import { type OpenText, type TextEdit } from './types.ts';

export interface Fix {
  readonly title: string;
  readonly edit: TextEdit;
  /** The likeliest of the problem's fixes, and one that says what was surely meant. */
  readonly isPreferred: boolean;
}

/** @param read the text as it is, where the caller has read it already. */
export function fixesFor({ text, file }: OpenText, problem: Problem, t: Translate, read: ReadResult = readExperiment(text, file)): readonly Fix[] {
  const fixes: Fix[] = [];
  for (const { changes, safe } of problem.repairs ?? []) {
    const changed = applyChanges(text, changes);
    if (changed === undefined || changed === text || !mends(changed, file, problem, read)) continue;
    const title = titleOf(changes, problem, text, t);
    if (fixes.every((fix) => fix.title !== title)) fixes.push({ title, edit: difference(text, changed), isPreferred: safe === true && fixes.length === 0 });
  }
  return fixes;
}

/** Everything that can be mended without a question, at once; undefined where there is nothing of that kind. */
export function fixAll({ text, file }: OpenText): TextEdit | undefined {
  let current = text;
  // Each round mends one problem at least.
  for (let round = 0; round < MOST_FIXES; round += 1) {
    const next = fixFirst(current, file);
    if (next === undefined) break;
    current = next;
  }
  return current === text ? undefined : difference(text, current);
}

const MOST_FIXES = 200;

function fixFirst(text: string, file: string): string | undefined {
  const read = readExperiment(text, file);
  for (const problem of read.problems) {
    const [first] = problem.repairs ?? [];
    if (first?.safe !== true) continue;
    const changed = applyChanges(text, first.changes);
    if (changed !== undefined && changed !== text && mends(changed, file, problem, read)) return changed;
  }
  return undefined;
}

/** Whether the problem is gone and none has come that could have been seen before. */
function mends(changed: string, file: string, problem: Problem, before: ReadResult): boolean {
  const after = readExperiment(changed, file);
  const remaining = counts(after.problems);
  const known = counts(before.problems);
  // Of files nothing is read here: those problems are known by their repair alone.
  const wasRead = known.has(nameOf(problem));
  if (wasRead && (remaining.get(nameOf(problem)) ?? 0) >= (known.get(nameOf(problem)) ?? 0)) return false;
  const stage = stageOf(before);
  // What a flawed text hides from the checks that follow is not the fix's doing.
  return stageOf(after) >= stage && after.problems.every((each) => stageOfProblem(each) > stage || wasHidden(each, problem) || (remaining.get(nameOf(each)) ?? 0) <= (known.get(nameOf(each)) ?? 0));
}

/** Until `format` and `method` are known, nothing is said of the keys beside them. */
function wasHidden({ path }: Problem, { code, path: decisive }: Problem): boolean {
  const parent = decisive.slice(0, -1);
  return code === 'DL105' && ['format', 'method'].includes(String(decisive.at(-1))) && parent.every((part, index) => path[index] === part);
}

function counts(problems: readonly Problem[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const problem of problems) result.set(nameOf(problem), (result.get(nameOf(problem)) ?? 0) + 1);
  return result;
}

function nameOf({ code, path }: Problem): string {
  return `${code} ${formatKey(path)}`;
}

/** How far the reading came: 0 it is not YAML, 1 not an experiment, 2 the checks across keys have seen it. */
function stageOf({ experiment, problems }: ReadResult): 0 | 1 | 2 {
  if (experiment !== undefined || problems.length === 0) return 2;
  return Math.min(...problems.map(stageOfProblem)) as 0 | 1 | 2;
}

function stageOfProblem({ code }: Problem): 0 | 1 | 2 {
  if (code === 'DL101' || code === 'DL107' || code === 'DL109') return 0;
  return code < 'DL107' || code === 'DL108' || code === 'DL113' ? 1 : 2;
}
