/**
 * What the files of an experiment tell before a run: classes of a data set, classes and network of a weight file. Node only.
 * Reading is bounded, nothing is unpickled or executed, nothing throws: what cannot be told so is undefined.
 */
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { SCENE_CLASSES } from './sceneClasses.ts';
import { type DataConfig } from './schema.ts';

/** Of either end of a long file: COCO's categories stand before the images or behind the annotations. */
const END_BYTES = 512 * 1024;
const LARGEST_YAML = 1024 * 1024;
/** A ResNet-101 detector's header has about 100 KB. */
const LARGEST_HEADER = 4 * 1024 * 1024;
const MOST_CLASSES = 10_000;

/** All classes of a data set in its own order, `classes` not regarded. VOC's are known only when all annotations are read. */
export function classesOfData(data: DataConfig, baseFolder: string): readonly string[] | undefined {
  switch (data.format) {
    case 'scenes': return SCENE_CLASSES;
    case 'coco': return cocoClasses(path.resolve(baseFolder, data.root, data.train.annotations));
    case 'yolo': return yoloClasses(path.resolve(baseFolder, data.root, data.config));
    case 'voc': return undefined;
  }
}

/** @param file a COCO annotation file. */
export function cocoClasses(file: string): readonly string[] | undefined {
  return reading(file, (descriptor, { size }) => {
    const head = readText(descriptor, 0, Math.min(size, END_BYTES));
    const categories = listAfter(head, '"categories"') ?? (size > END_BYTES ? listAfter(readText(descriptor, size - END_BYTES, END_BYTES), '"categories"') : undefined);
    return categories === undefined ? undefined : categoryNames(categories);
  });
}

/** @param file a YOLO data set's data.yaml. */
export function yoloClasses(file: string): readonly string[] | undefined {
  return reading(file, (descriptor, { size }) => {
    if (size > LARGEST_YAML) return undefined;
    const whole: unknown = parse(readText(descriptor, 0, size), { maxAliasCount: 0, logLevel: 'silent' });
    const names = typeof whole === 'object' && whole !== null ? (whole as { readonly names?: unknown }).names : undefined;
    if (Array.isArray(names)) return namesOf(names);
    if (typeof names !== 'object' || names === null) return undefined;
    const byIndex = names as Readonly<Record<string, unknown>>;
    return namesOf(Object.keys(byIndex).map((_, index) => byIndex[String(index)]));
  });
}

export interface WeightFacts {
  /** What a file that was exported here says of itself. */
  readonly classes?: readonly string[] | undefined;
  readonly detector?: string | undefined;
  readonly backbone?: string | undefined;
  /** Outputs of the class layer: anchors a cell times classes. */
  readonly classOutputs?: number | undefined;
}

/** MMDetection's names of the class layer, and torchvision's. */
const CLASS_LAYERS = ['bbox_head.retina_cls', 'bbox_head.conv_cls', 'bbox_head.fcos_cls', 'bbox_head.atss_cls', 'bbox_head.gfl_cls', 'head.classification_head.cls_logits'];

/** From the header of a safetensors file; of files that would have to be unpickled nothing is known. */
export function weightFacts(file: string): WeightFacts | undefined {
  if (!/\.safetensors$/i.test(file)) return undefined;
  return reading(file, (descriptor, { size }) => {
    const length = size < 10 ? 0 : Number(readBytes(descriptor, 0, 8).readBigUInt64LE());
    if (length < 2 || length > Math.min(LARGEST_HEADER, size - 8)) return undefined;
    const header = JSON.parse(readText(descriptor, 8, length)) as unknown;
    if (typeof header !== 'object' || header === null) return undefined;
    const entries = new Map<string, unknown>(Object.entries(header));
    const told = entries.get('__metadata__');
    const metadata: Readonly<Record<string, unknown>> = typeof told === 'object' && told !== null ? (told as Record<string, unknown>) : {};
    return { classes: classesIn(metadata.classes), detector: word(metadata.detector), backbone: word(metadata.backbone), classOutputs: outputsOf(entries) };
  });
}

function outputsOf(entries: ReadonlyMap<string, unknown>): number | undefined {
  for (const layer of CLASS_LAYERS) {
    const shape = (entries.get(`${layer}.bias`) as { readonly shape?: unknown } | undefined)?.shape;
    const first: unknown = Array.isArray(shape) ? shape[0] : undefined;
    if (typeof first === 'number') return first;
  }
  return undefined;
}

function classesIn(text: unknown): readonly string[] | undefined {
  if (typeof text !== 'string') return undefined;
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? namesOf(list) : undefined;
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value.length < 100 ? value : undefined;
}

/** Names of COCO's categories; undefined if one has none. */
export function categoryNames(categories: readonly unknown[]): readonly string[] | undefined {
  return namesOf(categories.map((category) => (typeof category === 'object' && category !== null ? (category as { readonly name?: unknown }).name : undefined)));
}

/** Undefined if one of them is no name. */
function namesOf(values: readonly unknown[]): readonly string[] | undefined {
  const names = values.map((value) => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined));
  return names.length > 0 && names.length <= MOST_CLASSES && names.every((name) => name !== undefined) ? [...new Set(names)] : undefined;
}

/** The JSON list that follows the last `key` in a piece of JSON; names may hold brackets, so text is passed over as text. */
export function listAfter(text: string, key: string): readonly unknown[] | undefined {
  for (let at = text.lastIndexOf(key); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(key, at - 1)) {
    const start = /^\s*:\s*\[/.exec(text.slice(at + key.length, at + key.length + 200));
    if (start === null) continue;
    const from = at + key.length + start[0].length - 1;
    const end = closing(text, from);
    if (end === undefined) continue;
    const list: unknown = JSON.parse(text.slice(from, end));
    if (Array.isArray(list)) return list as readonly unknown[];
  }
  return undefined;
}

function closing(text: string, from: number): number | undefined {
  let depth = 0;
  for (let index = from; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') {
      for (index += 1; index < text.length && text[index] !== '"'; index += 1) if (text[index] === '\\') index += 1;
    } else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  return undefined;
}

function reading<T>(file: string, read: (descriptor: number, stats: Stats) => T): T | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const stats = fstatSync(descriptor);
    // A pipe or a device would make the editor wait.
    return stats.isFile() ? read(descriptor, stats) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function readBytes(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const read = readSync(descriptor, bytes, 0, length, position);
  return bytes.subarray(0, read);
}

function readText(descriptor: number, position: number, length: number): string {
  return readBytes(descriptor, position, length).toString('utf8');
}
