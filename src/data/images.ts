/**
 * Image files by sharp: sizes, pixels, pixels at a given size.
 *
 * Orientation: COCO and VOC say the size of the frame that their boxes are in, so the frame with that size is taken: as stored, or
 * turned upright by EXIF when only that fits. YOLO's tools annotate what a viewer shows: upright. ICC profiles are ignored, as the
 * usual readers of detection data do.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { DistillError } from '../errors.ts';
import { shownPath } from './problems.ts';
import { type AnnotatedImage, type AnnotatedObject, type FileSource, type RawImage } from './sample.ts';

// Images are small and several are decoded at once: threads within one would only get in the step's way.
sharp.concurrency(1);
sharp.cache(false);

export interface Size {
  readonly width: number;
  readonly height: number;
}

interface Header {
  readonly stored: Size;
  readonly upright: Size;
  readonly alpha: boolean;
}

/** An image of a data set that lies in a file. */
export function fileImage(entry: { index: number; id: string; size: Size; objects: readonly AnnotatedObject[]; source: FileSource }): AnnotatedImage {
  const { index, id, size, objects, source } = entry;
  return { index, id, width: size.width, height: size.height, objects, source, pixels: () => decode(source, size) };
}

/** A picture without annotations, for prediction: upright, as a viewer shows it. @throws DistillError DL308, DL309 */
export async function imageFromFile(path: string, index = 0): Promise<AnnotatedImage> {
  const source: FileSource = { kind: 'file', path, upright: true };
  return fileImage({ index, id: basename(path), size: await imageSize(path, true), objects: [], source });
}

/** From the header alone. @throws DistillError DL308, DL309 */
export async function imageSize(path: string, upright: boolean): Promise<Size> {
  const header = await guarded(path, () => readHeader(sharp(path)));
  return upright ? header.upright : header.stored;
}

/** Whether the file is an image and of the declared size, from its header alone. @throws DistillError DL308, DL309, DL310 */
export async function checkHeader(source: FileSource, declared: Size): Promise<void> {
  await guarded(source.path, async () => turnsUpright(source, await readHeader(sharp(source.path)), declared));
}

/** @param declared the size of the boxes' frame. @throws DistillError DL308, DL309, DL310 */
export async function decode(source: FileSource, declared: Size): Promise<RawImage> {
  return decodeAt(source, declared, undefined);
}

/** Decoded and resized in one go, which is what sharp is fast at. @throws DistillError DL308, DL309, DL310 */
export async function decodeAt(source: FileSource, declared: Size, target: Size | undefined): Promise<RawImage> {
  return guarded(source.path, async () => {
    const bytes = await readFile(source.path);
    if (bytes.length === 0) throw unreadable(source.path, 'an empty file');
    const header = await readHeader(sharp(bytes));
    const autoOrient = turnsUpright(source, header, declared);
    const image = sharp(bytes, { failOn: 'error', ignoreIcc: true, autoOrient });
    if (target === undefined) return toRaw(image);
    // Resizing would weigh colours by opacity; transparency is dropped before.
    if (header.alpha) return resizeRaw(await toRaw(image), target);
    return toRaw(image.resize({ ...target, fit: 'fill', kernel: 'cubic' }));
  });
}

export async function resizeRaw(image: RawImage, target: Size): Promise<RawImage> {
  if (image.width === target.width && image.height === target.height) return image;
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  return toRaw(sharp(image.data, { raw }).resize({ ...target, fit: 'fill', kernel: 'cubic' }));
}

async function toRaw(image: Sharp): Promise<RawImage> {
  const { data, info } = await image.removeAlpha().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const channels: number = info.channels;
  if (channels !== 3) throw new Error(`decoded to ${channels} channels`);
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

async function readHeader(image: Sharp): Promise<Header> {
  const metadata = await image.metadata();
  const { width, height } = metadata;
  return { stored: { width, height }, upright: metadata.autoOrient, alpha: metadata.hasAlpha };
}

function turnsUpright(source: FileSource, header: Header, declared: Size): boolean {
  const fits = (size: Size): boolean => size.width === declared.width && size.height === declared.height;
  const [first, second] = source.upright ? [header.upright, header.stored] : [header.stored, header.upright];
  if (fits(first)) return source.upright;
  if (fits(second)) return !source.upright;
  throw new DistillError('DL310', `the image is not of the size that its annotation gives: ${shownPath(source.path)}`, {
    where: { file: shownPath(source.path) },
    expected: `${declared.width} × ${declared.height} pixels, as annotated`,
    got: `${header.stored.width} × ${header.stored.height}`,
    advice: 'its boxes are in another frame than its pixels: restore the image that was annotated, or correct the annotation',
  });
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DistillError) throw cause;
    if (isMissing(cause) || (cause instanceof Error && cause.message.startsWith('Input file is missing'))) throw missingImage(path);
    throw unreadable(path, cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

function missingImage(path: string): DistillError {
  return new DistillError('DL308', `image is missing: ${shownPath(path)}`, {
    where: { file: shownPath(path) },
    expected: 'an image file',
    got: 'no such file',
    advice: 'put it back, or take it out of the data set\'s list',
  });
}

function unreadable(path: string, reason: string, cause?: unknown): DistillError {
  return new DistillError('DL309', `image cannot be read: ${shownPath(path)}`, {
    where: { file: shownPath(path) },
    expected: 'a whole JPEG, PNG or WebP image',
    got: reason,
    advice: 'replace the file, or take it out of the data set\'s list',
    cause,
  });
}
