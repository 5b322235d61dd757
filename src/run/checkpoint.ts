/**
 * Checkpoints: `checkpoints/<arm>/{last,best}/`, each a folder that holds
 * `student.safetensors` (the network alone, MMDetection's names), `adapters.safetensors` (what distillation adds and throws away),
 * `optimizer.safetensors`, `average.safetensors` (EMA, if on) and `state.json`, written last.
 *
 * A folder is written aside and renamed; whatever moment a kill comes at, one complete folder is found again.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { DistillError } from '../errors.ts';
import { FILES, type Arm } from '../experiment/record.ts';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { readWeights } from '../engine/weights/read.ts';
import { writeSafetensors } from '../engine/weights/safetensors.ts';
import { diskError, writeAtomically } from './files.ts';

const stateSchema = z.object({
  arm: z.string(),
  /** Steps done. */
  step: z.int().min(0),
  /** AP of the best evaluation so far, −1 before the first. */
  bestAP: z.number(),
  /** It was stopped before it could be measured at this step. */
  evaluationDue: z.boolean().optional(),
  time: z.number(),
});
export type CheckpointState = z.infer<typeof stateSchema>;

/** Named values: kinds are the files, names the tensors in them. */
export type CheckpointValues = Readonly<Record<'student' | 'adapters' | 'optimizer' | 'average', ReadonlyMap<string, HostTensor>>>;

export type CheckpointKind = 'last' | 'best';

export function checkpointFolder(runFolder: string, arm: Arm, kind: CheckpointKind): string {
  return join(runFolder, FILES.checkpoints, arm, kind);
}

/** @returns the folder, relative to the run folder. */
export async function writeCheckpoint(runFolder: string, arm: Arm, kind: CheckpointKind, state: Omit<CheckpointState, 'arm' | 'time'>, values: CheckpointValues): Promise<string> {
  const folder = checkpointFolder(runFolder, arm, kind);
  const aside = `${folder}.new`;
  const former = `${folder}.old`;
  try {
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { recursive: true });
    for (const [name, tensors] of Object.entries(values)) {
      if (tensors.size > 0) await writeSafetensors(join(aside, `${name}.safetensors`), tensors, { format: 'pt' });
    }
    writeAtomically(join(aside, 'state.json'), JSON.stringify({ ...state, arm, time: Date.now() } satisfies CheckpointState));
    rmSync(former, { recursive: true, force: true });
    if (existsSync(folder)) renameSync(folder, former);
    renameSync(aside, folder);
    rmSync(former, { recursive: true, force: true });
  } catch (cause) {
    rmSync(aside, { recursive: true, force: true });
    throw diskError(folder, cause);
  }
  return join(FILES.checkpoints, arm, kind);
}

/** The newest complete checkpoint of an arm, or undefined before the first. Mends what a kill left half renamed. */
export function findCheckpoint(runFolder: string, arm: Arm, kind: CheckpointKind): { folder: string; state: CheckpointState } | undefined {
  const folder = checkpointFolder(runFolder, arm, kind);
  for (const candidate of [folder, `${folder}.new`, `${folder}.old`]) {
    const state = readState(candidate);
    if (state === undefined) continue;
    if (candidate !== folder) renameSync(candidate, folder);
    return { folder, state };
  }
  return undefined;
}

function readState(folder: string): CheckpointState | undefined {
  const file = join(folder, 'state.json');
  if (!existsSync(file)) return undefined;
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new DistillError('DL610', 'A checkpoint cannot be read.', { where: { file }, advice: 'Delete this folder; the run then goes on from the other checkpoint, or from the start.', cause });
  }
}

export async function readCheckpoint(folder: string): Promise<CheckpointValues> {
  const read = async (name: string): Promise<ReadonlyMap<string, HostTensor>> => {
    const file = join(folder, `${name}.safetensors`);
    return existsSync(file) ? readWeights(file) : new Map();
  };
  return { student: await read('student'), adapters: await read('adapters'), optimizer: await read('optimizer'), average: await read('average') };
}

/** Values of named variables, in our own layout: for what only we read again. */
export function namedValues(variables: ReadonlyMap<string, tf.Variable>, read: (variables: readonly tf.Variable[]) => readonly Float32Array[]): Map<string, HostTensor> {
  const entries = [...variables];
  const values = read(entries.map(([, variable]) => variable));
  return new Map(entries.map(([name, variable], index) => [name, float32(variable.shape, values[index] as Float32Array)]));
}

/** The other way round. @throws DistillError DL611 when the checkpoint does not fit the variables. */
export function matchValues(variables: ReadonlyMap<string, tf.Variable>, values: ReadonlyMap<string, HostTensor>, file: string): (readonly [tf.Variable, Float32Array])[] {
  return [...variables].map(([name, variable]) => {
    const value = values.get(name);
    if (value?.dtype !== 'float32' || value.shape.join() !== variable.shape.join()) {
      throw new DistillError('DL611', `The checkpoint does not fit this experiment: ${name}.`, {
        where: { file }, expected: `[${variable.shape.join(', ')}]`, got: value === undefined ? 'nothing' : `[${value.shape.join(', ')}]`,
        advice: 'Resume with the experiment file that the run was started with.',
      });
    }
    return [variable, value.data] as const;
  });
}
