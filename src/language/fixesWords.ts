/** What quick fixes are called. */
import { formatKey, type KeyPath } from '../experiment/keyPath.ts';
import { type Change, type Problem } from '../experiment/problems.ts';
import { TEMPLATES } from '../experiment/templates.ts';
import { written } from './fixesEdits.ts';
import { isNothing, treeOf, walk } from './fixesTree.ts';

/** `vscode.l10n.t` in the product. */
export type Translate = (message: string, ...values: (string | number)[]) => string;

/** Long values are cut: the change itself shows them. */
const LONGEST = 48;

/** @param text as it is before the changes. */
export function titleOf(changes: readonly Change[], problem: Problem, text: string, t: Translate): string {
  return changes.map((change) => titleOfOne(change, problem, text, t)).join(', ');
}

function titleOfOne(change: Change, problem: Problem, text: string, t: Translate): string {
  switch (change.kind) {
    case 'set': return titleOfSet(change.path, change.value, problem, text, t);
    case 'remove': return titleOfRemove(change, problem, text, t);
    case 'rename': return t('Change to {0}', change.key);
    case 'amend': return t('Change to {0}', change.to);
    case 'move': return t('Move to {0}', formatKey(change.to.slice(0, -1)));
    case 'untag': return t('Remove the tag');
    case 'untab': return t('Replace tabs by spaces');
    case 'fill': return t('Begin with {0}', TEMPLATES.find(({ id }) => id === change.template)?.title ?? change.template);
  }
}

function titleOfSet(path: KeyPath, value: unknown, problem: Problem, text: string, t: Translate): string {
  const tree = treeOf(text);
  const steps = tree === undefined ? [] : walk(tree, path);
  const isThere = steps.length === path.length && !isNothing(steps.at(-1)?.value);
  const shown = short(written(value));
  const isHere = formatKey(path) === formatKey(problem.path);
  if (isThere) return isHere ? t('Change to {0}', shown) : t('Change {0} to {1}', formatKey(path), shown);
  const name = typeof path.at(-1) === 'number' ? formatKey(path) : isHere ? String(path.at(-1)) : formatKey(path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? t('Add {0}', name) : t('Add {0}', `${name}: ${shown}`);
}

function titleOfRemove({ path, offset }: Extract<Change, { kind: 'remove' }>, problem: Problem, text: string, t: Translate): string {
  const last = path.at(-1);
  // Of two with one name.
  if (offset !== undefined) return offset === problem.range?.offset ? t('Remove this {0}', formatKey(path)) : t('Remove the other {0}', formatKey(path));
  if (typeof last === 'string') return t('Remove {0}', formatKey(path) === formatKey(problem.path) ? last : formatKey(path));
  const tree = treeOf(text);
  const value: unknown = tree === undefined ? undefined : walk(tree, path).at(-1)?.value?.toJSON();
  const method: unknown = typeof value === 'object' && value !== null ? (value as { readonly method?: unknown }).method : value;
  return t('Remove {0}', typeof method === 'string' || typeof method === 'number' ? short(String(method)) : formatKey(path));
}

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
