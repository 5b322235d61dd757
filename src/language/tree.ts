/**
 * The tree of a text that is being written: half of it may be missing. Where `parseYaml` stops at the first thing that is not YAML,
 * this one goes on with what can be understood, and says what stands at an offset.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, parseDocument, type Node } from 'yaml';
import { type KeyPath } from '../experiment/keyPath.ts';
import { type TextRange } from './types.ts';

/** As many as any reader of experiments takes; aliases of aliases end here. */
const MOST_NODES = 20_000;
const DEEPEST = 32;

export interface Spot {
  readonly path: KeyPath;
  readonly on: 'key' | 'value';
  /** Of the key, or of the scalar. */
  readonly range: TextRange;
}

export interface Branch {
  readonly path: KeyPath;
  /** Absent for list items. */
  readonly key?: TextRange | undefined;
  /** Absent where nothing is written after the key. */
  readonly value?: TextRange | undefined;
  readonly scalar: boolean;
}

export interface Tree {
  /** Plain data with holes: what cannot be read is undefined or null. */
  readonly data: unknown;
  /** Every key and list item, in the order of the text. */
  readonly branches: readonly Branch[];
  /** What the offset touches: a key, or a scalar. */
  readonly spotAt: (offset: number) => Spot | undefined;
  readonly branchAt: (path: KeyPath) => Branch | undefined;
}

/** The nodes of as much of the text as can be understood. */
export function readNodes(text: string): unknown {
  return parseDocument(text, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, logLevel: 'error', prettyErrors: false }).contents;
}

/** @param contents of the text, where it has been read before */
export function readTree(text: string, contents: unknown = readNodes(text)): Tree {
  const reader = new Reader();
  const data = reader.read(contents, []);
  const { branches } = reader;
  return {
    data,
    branches,
    spotAt: (offset) => {
      for (const { path, key, value, scalar } of branches) {
        if (touches(key, offset)) return { path, on: 'key', range: key };
        if (scalar && touches(value, offset)) return { path, on: 'value', range: value };
      }
      return undefined;
    },
    branchAt: (path) => branches.find((branch) => branch.path.length === path.length && branch.path.every((part, index) => part === path[index])),
  };
}

function touches(range: TextRange | undefined, offset: number): range is TextRange {
  return range !== undefined && range.start <= offset && offset <= range.end && range.start < range.end;
}

class Reader {
  readonly branches: Branch[] = [];
  readonly #anchors = new Map<string, Node>();
  #nodes = 0;
  /** Inside an alias nothing stands at a place of its own. */
  #borrowed = 0;

  read(node: unknown, path: KeyPath): unknown {
    this.#nodes += 1;
    if (!isNode(node) || this.#nodes > MOST_NODES || path.length > DEEPEST) return undefined;
    if (isAlias(node)) return this.#alias(node.source, path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return typeof node.value === 'object' ? null : node.value;
    if (isSeq(node)) return node.items.map((item, index) => this.#branch([...path, index], undefined, item));
    if (!isMap(node)) return undefined;
    const found = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      const read = this.#branch([...path, name], rangeOf(key), value);
      if (!found.has(name)) found.set(name, read);
    }
    // Not by assignment: a key `__proto__` must stay a key.
    return Object.fromEntries(found);
  }

  #branch(path: KeyPath, key: TextRange | undefined, value: unknown): unknown {
    if (this.#borrowed === 0 && this.branches.length < MOST_NODES) {
      this.branches.push({ path, key, value: isNode(value) ? rangeOf(value) : undefined, scalar: isScalar(value) });
    }
    return this.read(value, path);
  }

  #alias(source: string, path: KeyPath): unknown {
    const anchored = this.#anchors.get(source);
    if (anchored === undefined) return undefined;
    this.#borrowed += 1;
    const data = this.read(anchored, path);
    this.#borrowed -= 1;
    return data;
  }
}

function rangeOf({ range }: Node): TextRange | undefined {
  return range === undefined || range === null ? undefined : { start: range[0], end: range[1] };
}
