/** Pascal VOC: a folder with Annotations, ImageSets and JPEGImages. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type FoundData, type Place } from './findData.ts';

/** Annotations that are read for class names: some seconds of a large set's would be too long to wait for. */
const MOST_READ = 3000;
const AT_ONCE = 32;

export async function findVoc({ folder, folders }: Place): Promise<FoundData[]> {
  if (!['Annotations', 'ImageSets', 'JPEGImages'].every((name) => folders.includes(name))) return [];
  const lists = await listNames(folder);
  const train = ['train', 'trainval'].find((name) => lists.includes(name)) ?? lists[0];
  if (train === undefined) return [];
  const val = ['val', 'test', 'valid', 'validation'].find((name) => lists.includes(name)) ?? train;
  return [{ format: 'voc', root: folder, train, val, ...await readAnnotations(path.join(folder, 'Annotations')) }];
}

/** As runs look for them: in ImageSets/Main, else in ImageSets. */
async function listNames(root: string): Promise<string[]> {
  for (const folder of [path.join(root, 'ImageSets', 'Main'), path.join(root, 'ImageSets')]) {
    const lists = (await namesIn(folder)).filter((name) => name.endsWith('.txt')).map((name) => name.slice(0, -'.txt'.length));
    if (lists.length > 0) return lists;
  }
  return [];
}

async function readAnnotations(folder: string): Promise<Pick<FoundData, 'classes' | 'imageSize'>> {
  const files = (await namesIn(folder)).filter((name) => name.endsWith('.xml')).slice(0, MOST_READ);
  const classes = new Set<string>();
  let imageSize: readonly [number, number] | undefined;
  for (let start = 0; start < files.length; start += AT_ONCE) {
    const texts = await Promise.all(files.slice(start, start + AT_ONCE).map((file) => readFile(path.join(folder, file), 'utf8').catch(() => '')));
    for (const text of texts) {
      for (const name of objectNames(text)) classes.add(name);
      imageSize ??= sizeOf(text);
    }
  }
  return { classes: [...classes].sort(), imageSize };
}

/** A glance, not a parser: what is odd is left to the run, which says so. */
function objectNames(xml: string): string[] {
  return [...xml.matchAll(/<object>\s*(?:<(?!name>)[\s\S]*?)?<name>([^<]*)<\/name>/g)].map(([, name]) => decoded(name ?? '').trim()).filter((name) => name !== '');
}

function sizeOf(xml: string): readonly [number, number] | undefined {
  const size = /<size>([\s\S]*?)<\/size>/.exec(xml)?.[1] ?? '';
  const side = (name: string): number => Number(new RegExp(`<${name}>\\s*(\\d+)`).exec(size)?.[1] ?? 0);
  const [height, width] = [side('height'), side('width')];
  return height > 0 && width > 0 ? [height, width] : undefined;
}

function decoded(text: string): string {
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => entities[name] ?? whole);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).sort();
}
