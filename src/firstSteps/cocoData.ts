/** COCO: JSON files with images, annotations and categories, and folders of images beside them. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { categoryNames, listAfter } from '../experiment/fileFacts.ts';
import { type FoundCocoSplit, type FoundData, type Place } from './findData.ts';

/** A file of this size is looked through in about two seconds. */
const LARGEST = 1024 ** 3;
/** Characters of a list of categories: a longer one is none. */
const LONGEST_LIST = 8 * 1024 ** 2;
/** Files of other tools are JSON too. */
const LIKELY = /train|val|test|instances|annotations|coco/i;

interface CocoFile {
  readonly file: string;
  readonly classes: readonly string[];
  /** Folder of its images. */
  readonly images: string;
  readonly imageSize: readonly [number, number] | undefined;
}

export async function findCoco(place: Place): Promise<FoundData[]> {
  const names = place.files.filter((name) => name.endsWith('.json') && LIKELY.test(name));
  if (names.length === 0) return [];
  const inFolder = path.basename(place.folder).toLowerCase() === 'annotations';
  const root = inFolder ? path.dirname(place.folder) : place.folder;
  const folders = await imageFolders(root);
  const files: CocoFile[] = [];
  for (const name of names.slice(0, 12)) {
    const file = await readCoco(path.join(place.folder, name), folders);
    if (file !== undefined) files.push(file);
  }
  const train = files.find(({ file }) => /train/i.test(path.basename(file))) ?? (files.length === 1 ? files[0] : undefined);
  if (train === undefined) return [];
  // Files of one set begin alike: instances_train2017.json and instances_val2017.json.
  const others = files.filter((file) => file !== train).sort((a, b) => alike(b, train) - alike(a, train));
  const val = others.find(({ file }) => /val/i.test(path.basename(file))) ?? others.find(({ file }) => /test/i.test(path.basename(file))) ?? train;
  const split = ({ file, images }: CocoFile): FoundCocoSplit => ({ annotations: relative(root, file), images: relative(root, images) });
  return [{ format: 'coco', root, train: split(train), val: split(val), classes: train.classes, imageSize: train.imageSize }];
}

function relative(root: string, file: string): string {
  return path.relative(root, file).split(path.sep).join('/') || '.';
}

function alike(a: CocoFile, b: CocoFile): number {
  const [one, other] = [path.basename(a.file), path.basename(b.file)];
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** The root, the folders in it, and those in its folder `images`. */
async function imageFolders(root: string): Promise<string[]> {
  const inside = async (folder: string): Promise<string[]> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name)).sort();
  };
  return [...await inside(path.join(root, 'images')), ...await inside(root), root];
}

async function readCoco(file: string, folders: readonly string[]): Promise<CocoFile | undefined> {
  const { size } = await stat(file).catch(() => ({ size: Number.POSITIVE_INFINITY }));
  if (size > LARGEST) return undefined;
  const glance = await glanceAt(file).catch(() => undefined);
  if (glance?.categories === undefined || glance.image === undefined) return undefined;
  const images = await folderOf(glance.image, folders, path.basename(file));
  if (images === undefined) return undefined;
  return { file, classes: glance.categories, images, imageSize: glance.imageSize };
}

/** The folder that has the image; of several the one that is called as the file is (train, val). */
async function folderOf(image: string, folders: readonly string[], file: string): Promise<string | undefined> {
  const split = /train|val|test/i.exec(file)?.[0].toLowerCase() ?? '';
  const likely = (folder: string): number => (split !== '' && path.basename(folder).toLowerCase().includes(split) ? 0 : 1);
  for (const folder of [...folders].sort((a, b) => likely(a) - likely(b))) {
    const wanted = path.resolve(folder, image);
    if (!wanted.startsWith(folder + path.sep)) continue;
    if (await stat(wanted).then((entry) => entry.isFile(), () => false)) return folder;
  }
  return undefined;
}

interface Glance {
  readonly categories: readonly string[] | undefined;
  readonly image: string | undefined;
  readonly imageSize: readonly [number, number] | undefined;
}

/** Annotation files are large and hold two things that matter here: the list of categories, and any one image. */
async function glanceAt(file: string): Promise<Glance> {
  let [categories, image, imageSize]: [readonly string[] | undefined, string | undefined, readonly [number, number] | undefined] = [undefined, undefined, undefined];
  let held = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 }) as AsyncIterable<string>) {
    held += chunk;
    const names: readonly unknown[] | undefined = categories === undefined ? listAfter(held, '"categories"') : undefined;
    if (names !== undefined) categories = categoryNames(names) ?? [];
    if (image === undefined) {
      const record = /\{[^{}]*"file_name"\s*:\s*"((?:[^"\\]|\\.)*)"[^{}]*\}/.exec(held);
      if (record?.[1] !== undefined) {
        image = JSON.parse(`"${record[1]}"`) as string;
        imageSize = sidesOf(record[0]);
      }
    }
    if (categories !== undefined && image !== undefined) break;
    // A list that has begun is kept; of the rest, what may be the beginning of one.
    const begun = names === undefined && categories === undefined ? held.indexOf('"categories"') : -1;
    held = begun >= 0 ? held.slice(begun) : held.slice(-4096);
    if (held.length > LONGEST_LIST) break;
  }
  return { categories, image, imageSize };
}

function sidesOf(record: string): readonly [number, number] | undefined {
  const side = (name: string): number => Number(new RegExp(`"${name}"\\s*:\\s*(\\d+)`).exec(record)?.[1] ?? 0);
  const [height, width] = [side('height'), side('width')];
  return height > 0 && width > 0 ? [height, width] : undefined;
}
