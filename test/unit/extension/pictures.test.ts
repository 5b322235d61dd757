import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageMessage, picturesMessage } from '../../../src/extension/pictures.ts';

let run: string;
const mask = { method: 'fgd', kind: 'spatial', title: 'Attention', caption: 'where', form: 'map', signed: false, role: 'teacher', level: 'P3', stride: 8, image: 0, shape: [2, 3], offset: 0 };
const image = { id: '1', file: 'images/1.png', width: 8, height: 8, groundTruth: [], teacher: [], student: [] };

beforeEach(async () => {
  run = await mkdtemp(path.join(tmpdir(), 'pictures-'));
  await mkdir(path.join(run, 'pictures/student-10'), { recursive: true });
  await mkdir(path.join(run, 'pictures/images'));
  await writeFile(path.join(run, 'pictures/images/1.png'), 'png');
  await writeFile(path.join(run, 'pictures/student-10/index.json'), JSON.stringify({ step: 10, arm: 'student', images: [image], masks: [mask] }));
  await writeFile(path.join(run, 'pictures/student-10/values.bin'), new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6]).buffer));
});
afterEach(() => rm(run, { recursive: true, force: true }));

test.each(['pictures/student-10', 'student-10'])('masks of %s go under the name that the page asked by', async (folder) => {
  const message = await picturesMessage(run, folder);
  if (message.type !== 'pictures') throw new Error(message.type);
  expect(message.folder).toBe(folder);
  expect(message.index.masks[0]?.title).toBe('Attention');
  expect([...new Float32Array(message.values)]).toEqual([1, 2, 3, 4, 5, 6]);
});

test('an image goes with its type, and no byte besides its own', async () => {
  const message = await imageMessage(run, 'images/1.png');
  if (message.type !== 'image') throw new Error(message.type);
  expect(message.mime).toBe('image/png');
  expect(Buffer.from(message.bytes).toString()).toBe('png');
});

test.each(['images/1.svg', 'images/1.html', 'images/1', 'student-10/values.bin'])('%s is no picture', async (file) => {
  await writeFile(path.join(run, 'pictures', file), '<svg/>');
  await expect(imageMessage(run, file)).rejects.toThrow(/is not shown/);
});

test.each(['../secret.png', 'images/../../secret.png', '..\\secret.png', 'images/link.png'])('%s does not lead out of the run folder', async (file) => {
  await writeFile(path.join(run, 'secret.png'), 'secret');
  await symlink(path.join(run, 'secret.png'), path.join(run, 'pictures/images/link.png'));
  await expect(imageMessage(run, file)).rejects.toThrow(/out of the run folder/);
});
