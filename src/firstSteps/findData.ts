/** Looks through a folder for data sets that an experiment can read: VOC folders, COCO files, YOLO's data.yaml. Node only. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { findCoco } from './cocoData.ts';
import { findVoc } from './vocData.ts';
import { findYolo } from './yoloData.ts';

export interface FoundCocoSplit {
  /** Relative to the root. */
  readonly annotations: string;
  readonly images: string;
}

interface Common {
  /** Absolute. */
  readonly root: string;
  /** In the data set's own order; empty where they could not be read. */
  readonly classes: readonly string[];
  /** [height, width] of an image, in pixels; undefined where no annotation tells it. */
  readonly imageSize?: readonly [number, number] | undefined;
}

export type FoundData = Common & (
  | { readonly format: 'voc'; readonly train: string; readonly val: string }
  | { readonly format: 'coco'; readonly train: FoundCocoSplit; readonly val: FoundCocoSplit }
  | { readonly format: 'yolo'; readonly config: string }
);

/** One folder that is looked at. */
export interface Place {
  readonly folder: string;
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

export interface Limits {
  /** Levels below the folder that is searched. */
  readonly depth: number;
  readonly folders: number;
}

const LIMITS: Limits = { depth: 5, folders: 2000 };

/** Folders that hold no data, or too much of something else. */
const PASSED_OVER = /^(\.|node_modules$|runs$|dist$|build$|__pycache__$|site-packages$|venv$)/;

/**
 * Nearest first. What cannot be read is passed over, and so is what lies beyond the limits; links are not followed.
 * An aborted signal ends the search with what was found so far.
 */
export async function findData(folder: string, signal?: AbortSignal, limits: Limits = LIMITS): Promise<FoundData[]> {
  const found: FoundData[] = [];
  await walk(folder, signal, limits, async (place) => {
    const here = (await Promise.all([findVoc(place), findCoco(place), findYolo(place)])).flat();
    found.push(...here);
    // A VOC folder is a data set to its last file: what lies in it is not searched.
    return !here.some(({ format }) => format === 'voc');
  });
  return found;
}

/** Weight files, relative to the folder, nearest first; within the same limits. */
export async function findWeights(folder: string, signal?: AbortSignal, limits: Limits = LIMITS): Promise<string[]> {
  const found: string[] = [];
  await walk(folder, signal, limits, ({ folder: candidate, files }) => {
    found.push(...files.filter((name) => /\.(safetensors|pth|pt)$/i.test(name)).map((name) => path.relative(folder, path.join(candidate, name)).split(path.sep).join('/')));
    return Promise.resolve(true);
  });
  return found;
}

/** Level by level. @param visit says whether what lies in a folder is visited too */
async function walk(folder: string, signal: AbortSignal | undefined, limits: Limits, visit: (place: Place) => Promise<boolean>): Promise<void> {
  let level = [folder];
  let left = limits.folders;
  for (let depth = 0; depth <= limits.depth && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const candidate of level) {
      if (signal?.aborted === true || left <= 0) return;
      left -= 1;
      const place = await look(candidate);
      if (await visit(place)) next.push(...place.folders.filter((name) => !PASSED_OVER.test(name)).map((name) => path.join(candidate, name)));
    }
    level = next;
  }
}

async function look(folder: string): Promise<Place> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = (kind: 'isFile' | 'isDirectory'): string[] => entries.filter((entry) => entry[kind]()).map(({ name }) => name).sort();
  return { folder, folders: names('isDirectory'), files: names('isFile') };
}
