/** YOLO text labels: data.yaml with `train`, `val`, `names`; labels/….txt beside images/…, a row an object, coordinates as shares of the image. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { DistillError } from '../errors.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { type OpenOptions } from './coco.ts';
import { isFile, isFolder, listLines, mapLimited, requireFolder, requireImages, requireText } from './files.ts';
import { fileImage, imageSize, type Size } from './images.ts';
import { ObjectCollector } from './objects.ts';
import { checkDistinct, counted, missingFile, shownPath, unknownClass } from './problems.ts';
import { type AnnotatedObject, type DataSet, type Split } from './sample.ts';
import { readDataYaml, type DataYaml } from './yoloYaml.ts';
import { parseRow } from './yoloRow.ts';

export type YoloConfig = Extract<DataConfig, { format: 'yolo' }>;

const IMAGE = /\.(jpe?g|png|webp)$/i;

interface Found {
  readonly path: string;
  readonly size: Size;
  readonly labelFile: string;
  /** Undefined where there is no label file: an image without objects. */
  readonly labels: string | undefined;
}

/** @throws DistillError DL301, DL302, DL305 … DL309 */
export async function openYolo(config: YoloConfig, split: Split, options: OpenOptions): Promise<DataSet> {
  const root = await requireFolder('data folder', resolve(options.baseFolder, config.root), { key: ['data', 'root'] });
  const yaml = await readDataYaml(resolve(root, config.config));
  const classes = config.classes ?? yaml.names;
  checkDistinct(classes);
  for (const [index, name] of classes.entries()) if (!yaml.names.includes(name)) throw unknownClass(name, index, yaml.names, yaml.file);
  const paths = (await Promise.all(yaml[split].map((entry) => imagesOf(entry, yaml, root, split)))).flat();
  const unique = [...new Set(paths)];
  await requireImages(unique, yaml.file, ['data', 'config']);
  const found = await mapLimited(unique, 8, inspect, options.signal);
  return assemble(found, yaml, classes, unique.length < paths.length ? [`${counted(paths.length - unique.length, 'image')} listed twice left out`] : []);
}

/** Images of one `train` or `val` entry: a folder, or a list of paths. */
async function imagesOf(entry: string, yaml: DataYaml, root: string, split: Split): Promise<string[]> {
  const place = await findEntry(entry, yaml, root, split);
  if (await isFolder(place)) {
    const names = await readdir(place, { recursive: true });
    return names.filter((name) => IMAGE.test(name)).sort().map((name) => join(place, name));
  }
  const base = yaml.path === undefined ? dirname(place) : resolve(root, yaml.path);
  const text = await requireText('image list', place, { where: { file: shownPath(yaml.file) } });
  const bases = [dirname(place), ...((await isFolder(base)) ? [base] : []), root];
  return Promise.all(listLines(text).map(async ({ text: name }) => {
    for (const folder of bases) if (await isFile(resolve(folder, name))) return resolve(folder, name);
    return resolve(dirname(place), name);
  }));
}

/** Exporters disagree on what paths are relative to; the first reading that exists is taken. */
async function findEntry(entry: string, yaml: DataYaml, root: string, split: Split): Promise<string> {
  const bases = [...(yaml.path === undefined ? [] : [resolve(root, yaml.path)]), root, dirname(yaml.file)];
  const names = entry.startsWith('../') ? [entry, entry.slice(3)] : [entry];
  for (const name of names) {
    for (const base of bases) {
      const place = resolve(base, name);
      if ((await isFolder(place)) || (await isFile(place))) return place;
    }
  }
  throw missingFile(`the place that \`${split}\` names`, resolve(bases[0] ?? root, entry), {
    where: { file: shownPath(yaml.file) },
    key: ['data', 'config'],
    expected: 'a folder of images or a list of their paths',
    got: entry,
  });
}

/** `…/images/a/b.jpg` has its labels in `…/labels/a/b.txt`; without such a folder they lie beside the image. */
export function labelPath(image: string): string {
  const mark = `${sep}images${sep}`;
  const at = image.lastIndexOf(mark);
  const moved = at < 0 ? image : `${image.slice(0, at)}${sep}labels${sep}${image.slice(at + mark.length)}`;
  return moved.slice(0, moved.length - extname(moved).length) + '.txt';
}

async function inspect(path: string): Promise<Found> {
  const labelFile = labelPath(path);
  const labels = await readFile(labelFile, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new DistillError('DL302', 'the label file cannot be read', { where: { file: shownPath(labelFile) }, got: String(cause), cause });
  });
  return { path, size: await imageSize(path, true), labelFile, labels };
}

function assemble(found: readonly Found[], yaml: DataYaml, classes: readonly string[], notes: string[]): DataSet {
  const collector = new ObjectCollector();
  const labelOf = yaml.names.map((name) => classes.indexOf(name));
  let [unlabelled, repeated] = [0, 0];
  const images = found.map(({ path, size, labelFile, labels }, index) => {
    if (labels === undefined) unlabelled += 1;
    const objects: AnnotatedObject[] = [];
    const rows = new Set<string>();
    for (const { text, line } of listLines(labels ?? '')) {
      const where = { file: shownPath(labelFile), line };
      const row = parseRow(text, where, yaml.names.length, size);
      const label = labelOf[row.classIndex] ?? -1;
      if (rows.has(text)) repeated += 1;
      else if (label < 0) collector.leaveOut(yaml.names[row.classIndex] ?? '');
      else {
        const object = collector.object({ box: row.box, label }, size.width, size.height, 'the row', where);
        if (object !== undefined) objects.push(object);
      }
      rows.add(text);
    }
    return fileImage({ index, id: nameOf(path), size, objects, source: { kind: 'file', path, upright: true } });
  });
  if (unlabelled > 0) notes.push(`${counted(unlabelled, 'image')} without a label file taken as empty`);
  if (repeated > 0) notes.push(`${counted(repeated, 'repeated label row')} left out`);
  return { classes, images, notes: [...notes, ...collector.notes()] };
}

function nameOf(path: string): string {
  const folder = path.lastIndexOf(`${sep}images${sep}`);
  const name = folder < 0 ? basename(path) : relative(path.slice(0, folder + 7), path);
  return isAbsolute(name) ? basename(path) : name.split(sep).join('/');
}
