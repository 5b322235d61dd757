/** Recorded masks and images as messages for the page. Which paths are believed is the store's care; types are checked here. */
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { readImage, readPictures } from '../store/index.ts';
import { type ToPage } from '../../webview/contract.ts';

const MIME: Readonly<Record<string, string>> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp' };

/** @param pictures the `folder` of a `pictures` event. */
export async function picturesMessage(runFolder: string, pictures: string): Promise<ToPage> {
  const { index, values } = await readPictures(runFolder, pictures);
  return { type: 'pictures', folder: pictures, index, values: exactBuffer(values) };
}

/** @param file relative to the run's `pictures` folder, as the index tells it. */
export async function imageMessage(runFolder: string, file: string): Promise<ToPage> {
  const mime = MIME[path.extname(file).toLowerCase()];
  // An SVG, say, could carry a script; nothing but pixels is handed on.
  if (mime === undefined) throw new DistillError('DL722', `The picture ${file} is not shown.`, { where: { file: runFolder }, expected: 'a PNG, JPEG or WebP file', advice: 'A run records its pictures as such files; this one was changed or is damaged.' });
  return { type: 'image', file, mime, bytes: exactBuffer(await readImage(runFolder, file)) };
}

/** A copy without the pool that Node's small buffers share: only these bytes may reach the page. */
function exactBuffer(view: Uint8Array | Float32Array): ArrayBuffer {
  const copy = new ArrayBuffer(view.byteLength);
  new Uint8Array(copy).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return copy;
}
