/** YAML text to plain data with the place of every key and value. Nothing in a file can run code or grow without bound. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { formatKey, type KeyPath } from './keyPath.ts';
import { type Entry, type Positions, type Span } from './positions.ts';
import { type Problem, type ProblemCode, type Repair } from './problems.ts';
import { TEMPLATES } from './templates.ts';

/** Far above any real experiment; a file of nested aliases ends here instead of in memory. */
const MOST_NODES = 20_000;
const DEEPEST = 32;

/** Kinds of YAML's core schema: they name plain data, as it would be without them. */
const PLAIN_TAG = /^tag:yaml\.org,2002:(?:map|seq|str|int|float|bool|null)$/;

export interface YamlTree {
  /** Plain objects, lists, strings, numbers, booleans and null; undefined when the text is not YAML. */
  readonly data: unknown;
  readonly positions: Positions;
  readonly problems: readonly Problem[];
}

export function parseYaml(text: string, file: string): YamlTree {
  const reader = new TreeReader(text, file);
  return reader.read();
}

type Source = Pick<Node, 'range'>;

class TreeReader {
  readonly #text: string;
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #entries = new Map<string, Entry>();
  readonly #problems: Problem[] = [];
  #nodes = 0;
  readonly #anchors = new Map<string, Node>();
  #overflown = false;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  read(): YamlTree {
    const document = parseDocument(this.#text, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, logLevel: 'error', prettyErrors: false, lineCounter: this.#lines });
    for (const error of document.errors) {
      const severalDocuments = error.code === 'MULTIPLE_DOCS';
      this.#report('DL101', severalDocuments ? 'A file holds one experiment; here a second document begins.' : `This is not YAML: ${firstSentence(error.message)}`, [], this.#span(error.pos[0], error.pos[1]), {
        advice: severalDocuments ? 'Remove the line `---` or split the file.' : 'Check indentation, colons and quotes near this place.',
        repairs: error.code === 'TAB_AS_INDENT' ? [{ changes: [{ kind: 'untab' }], safe: true }] : undefined,
      });
    }
    const contents = document.contents;
    const whole = this.#span(0, this.#text.length);
    if (this.#problems.length > 0) return this.#result(undefined, whole);
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      this.#report('DL109', 'The file is empty.', [], whole, { advice: 'Start from a template: the command “Create Experiment”, or a copy of examples/scenes-fgd.distill.yaml.', repairs: TEMPLATES.map(({ id }) => ({ changes: [{ kind: 'fill', template: id }] })) });
      return this.#result(undefined, whole);
    }
    const data = this.#convert(contents, [], undefined, contents);
    return this.#result(this.#problems.some((problem) => problem.code === 'DL101' || problem.code === 'DL107') ? undefined : data, whole);
  }

  #result(data: unknown, whole: Span): YamlTree {
    if (!this.#entries.has('')) this.#entries.set('', { value: whole });
    const lines: Record<string, number> = {};
    for (const [key, entry] of this.#entries) if (key !== '') lines[key] = (entry.key ?? entry.value).line;
    return { data, positions: { file: this.#file, lines, entries: this.#entries }, problems: this.#problems };
  }

  /** @param node what is converted; @param standsAt its place in the text (the alias, where `node` is what it refers to). */
  #convert(node: Node | null, path: KeyPath, key: Span | undefined, standsAt: Source): unknown {
    const value = this.#spanOf(standsAt);
    this.#entries.set(formatKey(path), { key, value });
    this.#nodes += 1;
    if (this.#nodes > MOST_NODES || path.length > DEEPEST) return this.#overflow(path, value);
    if (node === null || this.#overflown) return null;
    if (isAlias(node)) {
      const anchored = this.#anchors.get(node.source);
      if (anchored === undefined) return this.#refuse(`There is no anchor &${node.source} above.`, path, value, 'Name an anchor that stands above, or write the value out.');
      return this.#convert(anchored, path, key, node);
    }
    if (node.tag !== undefined && !PLAIN_TAG.test(node.tag)) {
      return this.#refuse(`Tags (${node.tag}) are not supported: an experiment is plain data and runs nothing.`, path, value, 'Remove the tag.', [{ changes: [{ kind: 'untag', path }] }]);
    }
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node.value, path, value);
    if (isMap(node)) return this.#mapping(node.items as Pair<Node, Node | null>[], path);
    return (node.items as Node[]).map((item, index) => this.#convert(item, [...path, index], undefined, item));
  }

  #mapping(items: readonly Pair<Node, Node | null>[], path: KeyPath): unknown {
    const found = new Map<string, unknown>();
    for (const item of items) {
      const key = this.#spanOf(item.key);
      if (!isScalar(item.key)) {
        this.#report('DL101', 'A key must be a plain word.', path, key, {});
        continue;
      }
      const name = String(item.key.value);
      if (name === '<<') {
        this.#refuse('Merge keys (<<) are not supported.', path, key, 'Write the keys out.');
        continue;
      }
      if (found.has(name)) {
        this.#report('DL108', `\`${name}\` is given twice.`, [...path, name], key, { advice: 'Keep one of the two.', repairs: [{ changes: [{ kind: 'remove', path: [...path, name], offset: key.offset }] }, { changes: [{ kind: 'remove', path: [...path, name], offset: this.#entries.get(formatKey([...path, name]))?.key?.offset }] }] });
        continue;
      }
      found.set(name, this.#convert(item.value, [...path, name], key, item.value ?? item.key));
    }
    // Not by assignment: a key `__proto__` must stay a key.
    return Object.fromEntries(found);
  }

  #scalar(value: unknown, path: KeyPath, span: Span): unknown {
    if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
    this.#report('DL101', 'Only text, numbers, true, false, lists and mappings can stand here.', path, span, { got: typeof value });
    return null;
  }

  #overflow(path: KeyPath, span: Span): null {
    if (!this.#overflown) this.#refuse('The file unfolds into far more than an experiment can hold.', path, span, 'Write aliases out; an experiment needs a few dozen keys.');
    this.#overflown = true;
    return null;
  }

  #refuse(message: string, path: KeyPath, span: Span, advice: string, repairs?: readonly Repair[]): null {
    this.#report('DL107', message, path, span, { advice, repairs });
    return null;
  }

  #report(code: ProblemCode, message: string, path: KeyPath, range: Span, more: Pick<Problem, 'advice' | 'got' | 'repairs' | 'related'>): void {
    this.#problems.push({ code, severity: 'error', message, path, file: this.#file, range, ...more });
  }

  #spanOf(node: Source): Span {
    const [start, end] = node.range ?? [0, 0];
    return this.#span(start, end);
  }

  #span(offset: number, end: number): Span {
    const from = this.#lines.linePos(offset);
    const to = this.#lines.linePos(Math.max(offset, end));
    return { offset, end: Math.max(offset, end), line: Math.max(1, from.line), column: Math.max(1, from.col), endLine: Math.max(1, to.line), endColumn: Math.max(1, to.col) };
  }
}

function firstSentence(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
