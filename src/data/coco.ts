/** COCO's detection JSON: images, annotations with `bbox` = [x, y, width, height], categories. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DistillError } from '../errors.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { jsonErrorLine } from './jsonLine.ts';
import { mapLimited, requireFolder, requireImages, requireText, within } from './files.ts';
import { fileImage, imageSize, type Size } from './images.ts';
import { ObjectCollector } from './objects.ts';
import { checkDistinct, counted, didYouMean, shownPath, unknownClass } from './problems.ts';
import { type AnnotatedImage, type AnnotatedObject, type DataSet, type Split } from './sample.ts';

export type CocoConfig = Extract<DataConfig, { format: 'coco' }>;

export interface OpenOptions {
  /** The experiment file's folder: relative roots start there. */
  readonly baseFolder: string;
  readonly signal?: AbortSignal | undefined;
}

type Json = Readonly<Record<string, unknown>>;

interface CocoFile {
  readonly path: string;
  readonly images: readonly unknown[];
  readonly annotations: readonly unknown[];
  readonly categories: ReadonlyMap<unknown, string>;
}

interface CocoImage {
  readonly id: unknown;
  readonly name: string;
  readonly path: string;
  readonly size: Size | undefined;
}

/** Class lists of training files, by path and time: validation needs the names alone, not a second reading. */
const knownClasses = new Map<string, readonly string[]>();

/** @throws DistillError DL301, DL302, DL304, DL306 … DL309 */
export async function openCoco(config: CocoConfig, split: Split, options: OpenOptions): Promise<DataSet> {
  const root = await requireFolder('data folder', resolve(options.baseFolder, config.root), { key: ['data', 'root'] });
  const file = await readCoco(resolve(root, config[split].annotations), split);
  const folder = await requireFolder('folder of images', resolve(root, config[split].images), { key: ['data', split, 'images'] });
  const classes = await classNames(config, split, file, root);
  const notes: string[] = [];
  const images = uniqueImages(file, folder, notes);
  await requireImages(images.map((image) => image.path), file.path, ['data', split, 'images']);
  const sizes = await mapLimited(images, 8, (image) => (image.size === undefined ? imageSize(image.path, false) : Promise.resolve(image.size)), options.signal);
  const objects = collectObjects(file, images, sizes, classes, notes);
  return { classes, images: images.map((image, index) => annotated(image, index, sizes, objects)), notes };
}

function annotated(image: CocoImage, index: number, sizes: readonly Size[], objects: readonly (readonly AnnotatedObject[])[]): AnnotatedImage {
  const size = sizes[index] ?? { width: 0, height: 0 };
  return fileImage({ index, id: image.name, size, objects: objects[index] ?? [], source: { kind: 'file', path: image.path, upright: false } });
}

async function readCoco(path: string, split: Split): Promise<CocoFile> {
  const text = await requireText('annotation file', path, { key: ['data', split, 'annotations'] });
  const whole = parseJson(text, path);
  const categories = new Map<unknown, string>();
  for (const [index, category] of list(whole, 'categories', path).entries()) {
    const name = isObject(category) ? category.name : undefined;
    if (!isObject(category) || typeof name !== 'string') throw malformed(path, `category ${index} has no name`, '{ "id": …, "name": "…" }');
    categories.set(category.id, name);
  }
  return { path, images: list(whole, 'images', path), annotations: list(whole, 'annotations', path), categories };
}

function parseJson(text: string, path: string): Json {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DistillError('DL302', 'the annotation file is not JSON', {
      where: { file: shownPath(path), line: jsonErrorLine(text) },
      expected: 'a COCO detection file',
      got: reason,
      advice: /\bNaN\b|Infinity/.test(text.slice(0, 1e6)) ? 'JSON has no NaN or Infinity: correct the numbers' : 'check that the file is whole',
      cause,
    });
  }
  if (!isObject(whole)) throw malformed(path, 'the annotation file is not a COCO detection file', 'an object with images, annotations, categories');
  return whole;
}

async function classNames(config: CocoConfig, split: Split, file: CocoFile, root: string): Promise<readonly string[]> {
  const own = [...new Set(file.categories.values())];
  if (config.classes !== undefined) {
    checkDistinct(config.classes);
    for (const [index, name] of config.classes.entries()) {
      if (split === 'train' && !own.includes(name)) throw unknownClass(name, index, own, file.path);
    }
    return config.classes;
  }
  if (split === 'train') {
    knownClasses.set(await stamp(file.path), own);
    return own;
  }
  const training = resolve(root, config.train.annotations);
  const known = training === file.path ? own : knownClasses.get(await stamp(training));
  return known ?? [...new Set((await readCoco(training, 'train')).categories.values())];
}

async function stamp(path: string): Promise<string> {
  const time = await stat(path).then((entry) => entry.mtimeMs, () => 0);
  return `${path}\n${time}`;
}

function uniqueImages(file: CocoFile, folder: string, notes: string[]): CocoImage[] {
  const seen = new Map<unknown, CocoImage>();
  let repeated = 0;
  for (const [index, image] of file.images.entries()) {
    const name = isObject(image) ? image.file_name : undefined;
    if (!isObject(image) || typeof name !== 'string' || name === '') throw malformed(file.path, `image ${index} has no file name`, '"file_name": "…"');
    if (image.id === undefined) throw malformed(file.path, `image "${name}" has no id`, '"id": a number');
    if (seen.has(image.id)) repeated += 1;
    else seen.set(image.id, { id: image.id, name, path: within(folder, name, file.path), size: writtenSize(image) });
  }
  if (repeated > 0) notes.push(`${counted(repeated, 'image')} with an id that an earlier one has left out`);
  return [...seen.values()];
}

function writtenSize(image: Json): Size | undefined {
  const { width, height } = image;
  const usable = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0;
  return usable(width) && usable(height) ? { width, height } : undefined;
}

function collectObjects(file: CocoFile, images: readonly CocoImage[], sizes: readonly Size[], classes: readonly string[], notes: string[]): AnnotatedObject[][] {
  const positions = new Map(images.map((image, index) => [image.id, index]));
  const labels = new Map(classes.map((name, label) => [name, label]));
  const objects = images.map((): AnnotatedObject[] => []);
  const collector = new ObjectCollector();
  const ids = new Set<unknown>();
  let [repeated, strays] = [0, 0];
  for (const [order, annotation] of file.annotations.entries()) {
    if (!isObject(annotation)) throw malformed(file.path, `annotation number ${order + 1} is not an object`, '{ "image_id": …, "category_id": …, "bbox": … }');
    const { id } = annotation;
    if (id !== undefined && ids.has(id)) repeated += 1;
    ids.add(id);
    const category = categoryOf(file, annotation);
    const position = positions.get(annotation.image_id);
    const label = labels.get(category);
    if (position === undefined) strays += 1;
    else if (label === undefined) collector.leaveOut(category);
    else {
      const { width, height } = sizes[position] ?? { width: 0, height: 0 };
      const object = collector.object(written(file, annotation, label), width, height, described(annotation, images[position]?.name), { file: shownPath(file.path) });
      if (object !== undefined) objects[position]?.push(object);
    }
  }
  if (repeated > 0) notes.push(`${counted(repeated, 'annotation')} with an id that an earlier one has; kept`);
  if (strays > 0) notes.push(`${counted(strays, 'annotation')} of images that the file does not list left out`);
  notes.push(...collector.notes());
  return objects;
}

function categoryOf(file: CocoFile, annotation: Json): string {
  const id = annotation.category_id;
  const name = file.categories.get(id);
  if (name !== undefined) return name;
  const known = [...file.categories.keys()].map(String);
  throw new DistillError('DL302', `${described(annotation)} has a category that the file does not list`, {
    where: { file: shownPath(file.path) },
    expected: `one of the ids of "categories": ${known.slice(0, 12).join(', ')}`,
    got: String(id),
    advice: didYouMean(String(id), known) ?? 'add the category to the file, or correct the annotation',
  });
}

function written(file: CocoFile, annotation: Json, label: number): Parameters<ObjectCollector['object']>[0] {
  const box = annotation.bbox;
  if (!Array.isArray(box) || box.length !== 4 || !box.every((value): value is number => typeof value === 'number')) {
    throw new DistillError('DL306', `${described(annotation)} has a box that is not four numbers`, {
      where: { file: shownPath(file.path) },
      expected: '"bbox": [x, y, width, height] in pixels',
      got: box === undefined ? 'no bbox' : JSON.stringify(box),
      advice: 'correct the annotation or take it out',
    });
  }
  const [x, y, width, height] = box as [number, number, number, number];
  const area = annotation.area;
  const crowd = annotation.iscrowd === 1 || annotation.iscrowd === true;
  return { box: [x, y, x + width, y + height], label, area: typeof area === 'number' ? area : undefined, crowd };
}

function described(annotation: Json, image?: string): string {
  const id = annotation.id;
  const name = typeof id === 'number' || typeof id === 'string' ? `annotation ${id}` : 'an annotation';
  return image === undefined ? name : `${name} (${image})`;
}

function list(whole: Json, key: string, path: string): readonly unknown[] {
  const value = whole[key];
  if (!Array.isArray(value)) throw malformed(path, `the annotation file has no list "${key}"`, 'lists "images", "annotations" and "categories"');
  return value;
}

function malformed(path: string, message: string, expected: string): DistillError {
  return new DistillError('DL302', message, {
    where: { file: shownPath(path) },
    expected,
    advice: 'check that this is a COCO detection file (instances, not captions or results)',
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
