/**
 * Pascal VOC folders: ImageSets/[Main/]<list>.txt, Annotations/<id>.xml, JPEGImages/<id>.<extension>.
 *
 * Coordinates are taken as they are written, as edges in continuous pixels. VOC's own kit counts pixels from 1, the labelling tools
 * that write these files today write edges from 0 and only raise 0 to 1; training and evaluation use the same numbers, so the one
 * pixel between the two readings cancels. A box whose corners coincide has no area.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DistillError } from '../errors.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { type OpenOptions } from './coco.ts';
import { FolderIndex, isFile, listLines, mapLimited, requireFolder, requireText, within } from './files.ts';
import { fileImage, imageSize, type Size } from './images.ts';
import { ObjectCollector } from './objects.ts';
import { checkDistinct, didYouMean, listed, missingFile, shownPath, unknownClass } from './problems.ts';
import { type AnnotatedImage, type AnnotatedObject, type DataSet, type Split } from './sample.ts';
import { parseVoc, type VocAnnotation } from './vocXml.ts';

export type VocConfig = Extract<DataConfig, { format: 'voc' }>;

interface Entry {
  readonly id: string;
  readonly path: string;
  readonly annotation: VocAnnotation;
}

const EXTENSIONS = ['.jpg', '.jpeg', '.JPG', '.JPEG', '.png', '.PNG', '.webp', '.WEBP'];

/** @throws DistillError DL301 … DL304, DL306 … DL309 */
export async function openVoc(config: VocConfig, split: Split, options: OpenOptions): Promise<DataSet> {
  const root = await requireFolder('data folder', resolve(options.baseFolder, config.root), { key: ['data', 'root'] });
  for (const name of ['Annotations', 'ImageSets', 'JPEGImages']) {
    await requireFolder(`the VOC data's folder ${name}`, join(root, name), { key: ['data', 'root'], expected: 'a folder with Annotations, ImageSets and JPEGImages' });
  }
  const list = await findList(root, config[split], split);
  const entries = await readEntries(root, list, options.signal);
  const classes = await classNames(config, split, { root, list, entries }, options.signal);
  const sizes = await mapLimited(entries, 8, (entry) => knownSize(entry), options.signal);
  const collector = new ObjectCollector();
  const images = entries.map((entry, index) => toImage(entry, index, sizes[index] ?? { width: 0, height: 0 }, classes, collector));
  return { classes, images, notes: collector.notes() };
}

async function findList(root: string, name: string, split: Split): Promise<string> {
  const folders = [join(root, 'ImageSets', 'Main'), join(root, 'ImageSets')];
  for (const folder of folders) {
    const path = within(folder, `${name}.txt`, join(root, 'ImageSets'));
    if (await isFile(path)) return path;
  }
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch((): string[] => [])));
  const lists = [...new Set(names.flat().filter((entry) => entry.endsWith('.txt')).map((entry) => entry.slice(0, -4)))].sort();
  throw missingFile(`image list "${name}"`, join(root, 'ImageSets', 'Main', `${name}.txt`), {
    key: ['data', split],
    expected: lists.length === 0 ? 'lists in ImageSets or ImageSets/Main' : `one of ${listed(lists)}`,
    advice: didYouMean(name, lists) ?? 'name a list of ImageSets without its .txt',
  });
}

async function readEntries(root: string, list: string, signal: AbortSignal | undefined): Promise<Entry[]> {
  const folders = new FolderIndex();
  const lines = listLines(await requireText('image list', list));
  const entries = await mapLimited(lines, 16, async ({ text, line }): Promise<Entry | undefined> => {
    // Lists of one class carry a column: 1 there, 0 only difficult ones, -1 not there.
    const flagged = /^(.*\S)\s+(-1|0|1)$/.exec(text);
    const whole = flagged === null || (await folders.has(join(root, 'Annotations', `${text}.xml`)));
    if (!whole && flagged[2] === '-1') return undefined;
    const id = whole ? text : flagged[1] ?? text;
    const xml = within(join(root, 'Annotations'), `${id}.xml`, list, line);
    if (!(await folders.has(xml))) {
      throw missingFile(`annotation of "${id}"`, xml, { where: { file: shownPath(list), line }, advice: 'add the annotation, or take the image out of the list' });
    }
    const annotation = parseVoc(await readFile(xml), shownPath(xml));
    return { id, annotation, path: await findImage(root, id, annotation, folders, { file: shownPath(list), line }) };
  }, signal);
  return entries.filter((entry) => entry !== undefined);
}

async function findImage(root: string, id: string, annotation: VocAnnotation, folders: FolderIndex, where: { file: string; line: number }): Promise<string> {
  const folder = join(root, 'JPEGImages');
  const named = annotation.fileName === undefined ? [] : [basename(annotation.fileName)];
  for (const name of [...EXTENSIONS.map((extension) => `${id}${extension}`), ...named]) {
    if (await folders.has(join(folder, name))) return join(folder, name);
  }
  throw new DistillError('DL308', `image of "${id}" is missing: ${shownPath(join(folder, `${id}.jpg`))}`, {
    where,
    expected: `${id}.jpg, .jpeg, .png or .webp in ${shownPath(folder)}`,
    got: 'no such file',
    advice: 'add the image, or take it out of the list',
  });
}

/** Class lists of training sets: validation needs the names alone, not a second reading. */
const knownClasses = new Map<string, readonly string[]>();

async function classNames(config: VocConfig, split: Split, opened: { root: string; list: string; entries: readonly Entry[] }, signal: AbortSignal | undefined): Promise<readonly string[]> {
  if (config.classes !== undefined) {
    checkDistinct(config.classes);
    const present = namesIn(opened.entries);
    for (const [index, name] of config.classes.entries()) {
      if (split === 'train' && !present.includes(name)) throw unknownClass(name, index, present, opened.list);
    }
    return config.classes;
  }
  if (split === 'train') {
    const names = namesIn(opened.entries);
    knownClasses.set(opened.list, names);
    return names;
  }
  const training = await findList(opened.root, config.train, 'train');
  if (training === opened.list) return namesIn(opened.entries);
  return knownClasses.get(training) ?? namesIn(await readEntries(opened.root, training, signal));
}

function namesIn(entries: readonly Entry[]): string[] {
  return [...new Set(entries.flatMap((entry) => entry.annotation.objects.map((object) => object.name)))].sort();
}

function knownSize(entry: Entry): Promise<Size> {
  return entry.annotation.size === undefined ? imageSize(entry.path, false) : Promise.resolve(entry.annotation.size);
}

function toImage(entry: Entry, index: number, size: Size, classes: readonly string[], collector: ObjectCollector): AnnotatedImage {
  const objects: AnnotatedObject[] = [];
  for (const { name, box, difficult, line } of entry.annotation.objects) {
    const label = classes.indexOf(name);
    if (label < 0) {
      collector.leaveOut(name);
      continue;
    }
    const object = collector.object({ box, label, difficult }, size.width, size.height, `object "${name}"`, { file: entry.annotation.file, line });
    if (object !== undefined) objects.push(object);
  }
  return fileImage({ index, id: basename(entry.path), size, objects, source: { kind: 'file', path: entry.path, upright: false } });
}
