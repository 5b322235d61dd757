/** Small data sets on disk for the tests of the data room. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { DistillError } from '../../../src/errors.ts';
import { dataSchema, type DataConfig } from '../../../src/experiment/schema.ts';

/** A folder of its own, gone after the file's tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'data-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function write(path: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** Left half red, right half blue, upper quarter brighter: shows flips and turns. */
export function halves(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) data.set([x < width / 2 ? 220 : 20, y < height / 4 ? 200 : 60, x < width / 2 ? 20 : 220], (y * width + x) * 3);
  }
  return data;
}

/** By the path's extension. */
export async function writeImage(path: string, width: number, height: number, orientation?: number): Promise<string> {
  const image = sharp(halves(width, height), { raw: { width, height, channels: 3 } });
  const marked = orientation === undefined ? image : image.withMetadata({ orientation });
  const format = path.endsWith('.png') ? 'png' : path.endsWith('.webp') ? 'webp' : 'jpeg';
  return write(path, await marked.toFormat(format, { quality: 95 }).toBuffer());
}

export function configOf<F extends DataConfig['format']>(input: { format: F } & Record<string, unknown>): Extract<DataConfig, { format: F }> {
  return dataSchema.parse({ size: [64, 64], ...input }) as Extract<DataConfig, { format: F }>;
}

/** The DistillError that the work must end in. */
export async function failure(work: Promise<unknown>): Promise<DistillError> {
  const outcome: unknown = await work.then(() => 'no error', (error: unknown) => error);
  if (outcome instanceof DistillError) return outcome;
  throw new Error(`expected a DistillError, got ${String(outcome)}`);
}
