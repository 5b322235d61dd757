/** A YOLO data set's data.yaml. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { DistillError } from '../errors.ts';
import { requireText } from './files.ts';
import { shownPath } from './problems.ts';

export interface DataYaml {
  readonly file: string;
  readonly path: string | undefined;
  readonly train: readonly string[];
  readonly val: readonly string[];
  /** By class index. */
  readonly names: readonly string[];
}

/** @throws DistillError DL301, DL302 */
export async function readDataYaml(file: string): Promise<DataYaml> {
  const text = await requireText('data.yaml', file, { key: ['data', 'config'] });
  const lines = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter: lines });
  const [first] = document.errors;
  if (first !== undefined) {
    throw new DistillError('DL302', 'data.yaml is not YAML', {
      where: { file: shownPath(file), line: first.linePos?.[0].line, column: first.linePos?.[0].col },
      got: first.message.split('\n')[0] ?? '',
      advice: 'correct the file',
    });
  }
  const refuse = (key: string, expected: string): DistillError => malformed(file, key, expected, lineOf(document, lines, key));
  const path = scalar(document.get('path', true));
  return { file, path, train: places(document, 'train', refuse), val: places(document, 'val', refuse), names: classNames(document, refuse) };
}

type Refuse = (key: string, expected: string) => DistillError;

function places(document: Document, key: string, refuse: Refuse): string[] {
  const value = document.get(key, true);
  const found = isSeq(value) ? value.items.map(scalar) : [scalar(value)];
  if (found.length > 0 && !found.includes('') && found.every((place) => place !== undefined)) return found;
  throw refuse(key, 'a path, or a list of paths');
}

function classNames(document: Document, refuse: Refuse): string[] {
  const value = document.get('names', true);
  if (isSeq(value)) {
    const names = value.items.map(scalar);
    if (names.length > 0 && names.every((name) => name !== undefined)) return names;
  }
  if (isMap(value)) {
    const byIndex = new Map(value.items.map((pair) => [Number(scalar(pair.key)), scalar(pair.value)]));
    const names = Array.from({ length: byIndex.size }, (_, index) => byIndex.get(index));
    if (names.length > 0 && names.every((name) => name !== undefined)) return names;
  }
  throw refuse('names', 'a list of class names, or a map from 0, 1, 2, … to names');
}

function scalar(node: unknown): string | undefined {
  const value: unknown = isScalar(node) ? node.value : node;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function lineOf(document: Document, lines: LineCounter, key: string): number | undefined {
  const node: unknown = document.get(key, true);
  const offset = (isSeq(node) || isMap(node) || isScalar(node)) ? node.range?.[0] : undefined;
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function malformed(file: string, key: string, expected: string, line: number | undefined): DistillError {
  return new DistillError('DL302', `data.yaml has no usable \`${key}\``, { where: { file: shownPath(file), line }, expected, advice: 'correct the file' });
}
