/** An experiment's text as a tree with places, for edits that leave everything else as it is written. */
import { isMap, isPair, isScalar, isSeq, parseDocument, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { type KeyPath } from '../experiment/keyPath.ts';

export type Tree = YAMLMap | YAMLSeq | Scalar;

/** Undefined where the text is not YAML or holds nothing. */
export function treeOf(text: string): Tree | undefined {
  const document = parseDocument(text, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, logLevel: 'silent', prettyErrors: false });
  return document.errors.length > 0 ? undefined : asTree(document.contents);
}

/** Null where nothing, or an alias, stands: there is no text to change. */
function asTree(node: unknown): Tree | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined;
}

/** A step of the way from the whole text to a place in it: what it is found in, and itself. */
export interface Step {
  readonly parent: YAMLMap | YAMLSeq;
  readonly index: number;
  /** In a list the same as `value`'s. */
  readonly start: number;
  readonly key: Scalar | undefined;
  readonly value: Tree | undefined;
}

/** As far as the path leads in the text; shorter than the path where something is missing. @param offset where the last key begins, if it stands twice */
export function walk(tree: Tree, path: KeyPath, offset?: number): readonly Step[] {
  const steps: Step[] = [];
  let node: Tree | undefined = tree;
  for (const [depth, part] of path.entries()) {
    const step: Step | undefined = isMap(node) ? stepInMap(node, String(part), depth === path.length - 1 ? offset : undefined) : isSeq(node) && typeof part === 'number' ? stepInList(node, part) : undefined;
    if (step === undefined) break;
    steps.push(step);
    node = step.value;
  }
  return steps;
}

function stepInMap(parent: YAMLMap, name: string, offset: number | undefined): Step | undefined {
  const index = parent.items.findIndex((item) => isScalar(item.key) && String(item.key.value) === name && (offset === undefined || item.key.range?.[0] === offset));
  return stepAt(parent, index);
}

function stepInList(parent: YAMLSeq, index: number): Step | undefined {
  return stepAt(parent, index);
}

/** The item of this number. */
export function stepAt(parent: YAMLMap | YAMLSeq, index: number): Step | undefined {
  const item: unknown = parent.items[index];
  if (isPair(item)) {
    const { key, value } = item;
    return isScalar(key) && key.range ? { parent, index, key, start: key.range[0], value: asTree(value) } : undefined;
  }
  const value = asTree(item);
  return value?.range ? { parent, index, key: undefined, start: value.range[0], value } : undefined;
}

export function isFlow(node: YAMLMap | YAMLSeq): boolean {
  return node.flow === true;
}

/** Whether there is nothing after the colon. */
export function isNothing(value: Tree | undefined): boolean {
  return value === undefined || (isScalar(value) && value.value === null && (value.source ?? '') === '');
}

/** Where a value's last character that counts is behind it, without the space and comments that follow. */
export function contentEnd(text: string, step: Step): number {
  const { key, value } = step;
  const keyEnd = key?.range?.[1] ?? step.start;
  if (value === undefined || isNothing(value)) return Math.max(keyEnd, text.indexOf(':', keyEnd) + 1);
  if (!isScalar(value) && !isFlow(value)) {
    const last = stepAt(value, value.items.length - 1);
    return last === undefined ? keyEnd : contentEnd(text, last);
  }
  const end = value.range?.[1] ?? keyEnd;
  // Text over several lines (`|`, `>`) ends with its line break.
  return text[end - 1] === '\n' ? end - 1 : end;
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Before the line break. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}

/** In spaces: the column of a key or dash. */
export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}
