/** Whether the files that an experiment names are there. Node only. */
import { existsSync, opendirSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkClasses } from './checkClasses.ts';
import { formatKey, type KeyPath } from './keyPath.ts';
import { type Positions } from './positions.ts';
import { didYouMean, type Finding, place, type Problem, type Repair } from './problems.ts';
import { type Experiment } from './schema.ts';
import { teacherPath, teachersOf } from './teachers.ts';

/** Relative paths in an experiment start at the folder of its file; those of a split at `data.root`. */
export function resolvePath(baseFolder: string, ...parts: readonly string[]): string {
  return path.resolve(baseFolder, ...parts);
}

/** @param baseFolder folder of the experiment file. */
export function checkFiles(experiment: Experiment, baseFolder: string, positions: Positions): readonly Problem[] {
  return [...findData(experiment, baseFolder), ...findWeights(experiment, baseFolder), ...findMethodFiles(experiment, baseFolder), ...findTemplate(experiment, baseFolder), ...checkClasses(experiment, baseFolder)].map((finding) => place(finding, positions));
}

interface Wanted {
  readonly path: KeyPath;
  readonly file: string;
  readonly kind: 'file' | 'folder';
}

function findData({ data }: Experiment, baseFolder: string): readonly Finding[] {
  if (data.format === 'scenes') return [];
  const root = resolvePath(baseFolder, data.root);
  const rootProblems = missing({ path: ['data', 'root'], file: root, kind: 'folder' });
  // Everything else lies under the root: one message is enough.
  if (rootProblems.length > 0) return rootProblems;
  switch (data.format) {
    case 'coco': return (['train', 'val'] as const).flatMap((split) => [
      ...missing({ path: ['data', split, 'annotations'], file: resolvePath(root, data[split].annotations), kind: 'file' }),
      ...missing({ path: ['data', split, 'images'], file: resolvePath(root, data[split].images), kind: 'folder' }),
    ]);
    case 'voc': return ['Annotations', 'ImageSets', 'JPEGImages'].flatMap((folder) => missing({ path: ['data', 'root'], file: path.join(root, folder), kind: 'folder' }));
    case 'yolo': return missing({ path: ['data', 'config'], file: resolvePath(root, data.config), kind: 'file' });
  }
}

function findWeights(experiment: Experiment, baseFolder: string): readonly Finding[] {
  const { student } = experiment;
  const findings: Finding[] = [];
  for (const [index, teacher] of teachersOf(experiment).entries()) {
    const key = [...teacherPath(experiment, index), 'weights'];
    const advice = 'There is no teacher without its file: train one with examples/scenes-teacher.distill.yaml or with your own data (leave `distill` out), then name its file here.';
    findings.push(...missing({ path: key, file: resolvePath(baseFolder, teacher.weights), kind: 'file' }).map((finding) => ({ ...finding, advice })), ...wrongEnding(key, teacher.weights));
  }
  if (student.weights !== undefined) {
    findings.push(...missing({ path: ['student', 'weights'], file: resolvePath(baseFolder, student.weights), kind: 'file' }), ...wrongEnding(['student', 'weights'], student.weights));
  }
  return findings;
}

function findMethodFiles({ distill }: Experiment, baseFolder: string): readonly Finding[] {
  return distill.flatMap((options, index) => {
    if (options.method !== 'labelenc' || options.encoder === undefined) return [];
    const key = ['distill', index, 'encoder'];
    return [...missing({ path: key, file: resolvePath(baseFolder, options.encoder), kind: 'file' }), ...wrongEnding(key, options.encoder)];
  });
}

function findTemplate({ launch }: Experiment, baseFolder: string): readonly Finding[] {
  if (launch?.on !== 'kubernetes' || launch.kubernetes.template === undefined) return [];
  return missing({ path: ['launch', 'kubernetes', 'template'], file: resolvePath(baseFolder, launch.kubernetes.template), kind: 'file' });
}

function missing({ path: key, file, kind }: Wanted): readonly Finding[] {
  if (!existsSync(file)) return [{ code: 'DL120', message: `\`${formatKey(key)}\`: there is no such ${kind}.`, path: key, expected: `a ${kind}`, got: file, advice: 'Relative paths start at the folder of the experiment file.', repairs: neighbours(key, file, kind) }];
  const isFolder = statSync(file).isDirectory();
  if (isFolder === (kind === 'folder')) return [];
  return [{ code: 'DL120', message: `\`${formatKey(key)}\` names a ${isFolder ? 'folder' : 'file'}.`, path: key, expected: `a ${kind}`, got: file }];
}

function wrongEnding(key: KeyPath, file: string): readonly Finding[] {
  if (/\.(safetensors|pth|pt)$/i.test(file)) return [];
  return [{ code: 'DL120', message: `\`${formatKey(key)}\` is of a kind that cannot be read.`, path: key, expected: 'a .safetensors, .pth or .pt file', got: path.basename(file) }];
}

/** A file of a folder with a million images is not looked for by name. */
const MOST_ENTRIES = 500;

/** What lies beside it under a name that differs by a slip. */
function neighbours(key: KeyPath, file: string, kind: Wanted['kind']): readonly Repair[] {
  const names: string[] = [];
  try {
    const folder = opendirSync(path.dirname(file));
    try {
      for (let entry = folder.readSync(); entry !== null && names.length < MOST_ENTRIES; entry = folder.readSync()) {
        if (entry.isDirectory() === (kind === 'folder')) names.push(entry.name);
      }
    } finally {
      folder.closeSync();
    }
  } catch {
    return [];
  }
  const name = path.basename(file);
  const meant = didYouMean(name, names);
  return meant === undefined ? [] : [{ changes: [{ kind: 'amend', path: key, from: name, to: meant }] }];
}
