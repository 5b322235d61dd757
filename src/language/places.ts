/** Which keys of an experiment name files and folders, and where those start. */
import path from 'node:path';
import { expandVariables } from '../experiment/environmentVariables.ts';
import { resolvePath } from '../experiment/files.ts';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { type DataPlace } from './types.ts';

export interface PathKey {
  /** Absolute folder that what is written is relative to. */
  readonly base: string;
  readonly wants: 'folder' | 'file';
  /** Of files, with their dot; empty: all. */
  readonly endings: readonly string[];
}

const WEIGHTS = ['.safetensors', '.pth', '.pt'];

/** @param baseFolder folder of the experiment file */
export function pathKey(key: KeyPath, data: unknown, baseFolder: string): PathKey | undefined {
  const last = key.at(-1);
  if (last === 'weights') return { base: baseFolder, wants: 'file', endings: WEIGHTS };
  if (key[0] === 'engine' && last === 'folder') return { base: baseFolder, wants: 'folder', endings: [] };
  if (key[0] === 'distill' && last === 'encoder') return { base: baseFolder, wants: 'file', endings: ['.safetensors'] };
  if (key[0] === 'launch' && last === 'template') return { base: baseFolder, wants: 'file', endings: ['.yaml', '.yml'] };
  if (key[0] !== 'data') return undefined;
  if (last === 'root') return { base: baseFolder, wants: 'folder', endings: [] };
  const root = dataRoot(data, baseFolder);
  if (root === undefined) return undefined;
  const format = valueAt(data, ['data', 'format']);
  if (last === 'annotations') return { base: root, wants: 'file', endings: ['.json'] };
  if (last === 'images') return { base: root, wants: 'folder', endings: [] };
  if (last === 'config' && format === 'yolo') return { base: root, wants: 'file', endings: ['.yaml', '.yml'] };
  return undefined;
}

/** What `data.root` amounts to, variables filled in. */
export function dataRoot(data: unknown, baseFolder: string): string | undefined {
  const root = valueAt(data, ['data', 'root']);
  if (typeof root !== 'string' || root === '') return undefined;
  return resolvePath(baseFolder, filled(root));
}

/** A path with its `${env:NAME}` filled in; those that are not set stay. */
export function filled(text: string): string {
  const value = expandVariables(text, process.env, [], ['root']);
  return typeof value === 'string' ? value : text;
}

export function dataPlace(data: unknown, baseFolder: string): DataPlace | undefined {
  const root = dataRoot(data, baseFolder);
  const at = (...key: string[]): string | undefined => {
    const value = valueAt(data, ['data', ...key]);
    return typeof value === 'string' ? filled(value) : undefined;
  };
  if (root === undefined) return undefined;
  switch (at('format')) {
    case 'coco': return { format: 'coco', root, index: at('train', 'annotations') };
    case 'voc': return { format: 'voc', root, list: at('train') ?? 'train' };
    case 'yolo': return { format: 'yolo', root, index: at('config') ?? 'data.yaml' };
    case undefined: default: return undefined;
  }
}

/** Files where a VOC list of this name may be. */
export function vocLists(root: string, name: string): readonly string[] {
  return [path.join(root, 'ImageSets', 'Main', `${name}.txt`), path.join(root, 'ImageSets', `${name}.txt`)];
}
