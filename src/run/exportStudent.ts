/**
 * `distill-lab export`: the student alone, without teacher, adapters and optimizer, as one safetensors file
 * that PyTorch users and we load by name. The file is read back and compared before it is called done.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadStateDict, saveStateDict } from '../detectors/stateDict.ts';
import { createDetector } from '../detectors/table.ts';
import { openDataSet } from '../data/index.ts';
import { startEngine } from '../engine/backend.ts';
import { Random } from '../engine/random.ts';
import { digestOf } from '../engine/weights/stateDict.ts';
import { readWeights } from '../engine/weights/read.ts';
import { writeSafetensors } from '../engine/weights/safetensors.ts';
import { DistillError } from '../errors.ts';
import { FILES } from '../experiment/record.ts';
import { parseResolved } from '../experiment/resolved.ts';
import { findCheckpoint, type CheckpointKind } from './checkpoint.ts';

export interface ExportOptions {
  /** Run folder. */
  readonly folder: string;
  /** File to write. */
  readonly output: string;
  readonly checkpoint: CheckpointKind;
  /** Whose names the tensors get. */
  readonly naming: 'mmdetection' | 'torchvision';
}

export interface Exported {
  readonly file: string;
  readonly tensors: number;
  /** sha256 over names, shapes and values. */
  readonly digest: string;
  readonly step: number;
}

export async function exportStudent({ folder, output, checkpoint, naming }: ExportOptions): Promise<Exported> {
  const record = join(folder, FILES.resolved);
  const { experiment, source } = parseResolved(readFileSync(record, 'utf8'), record);
  const found = findCheckpoint(folder, 'student', checkpoint);
  if (found === undefined) {
    throw new DistillError('DL612', `The run has no ${checkpoint} checkpoint.`, { where: { file: folder }, advice: checkpoint === 'best' ? 'Export the last one (--checkpoint last), or let the run reach its first evaluation.' : 'Let the run reach its first checkpoint.' });
  }
  // Tensors are only renamed and laid out: the smallest backend will do.
  await startEngine({ backend: 'cpu' });
  const classes = experiment.data.classes ?? [...(await openDataSet(experiment.data, 'train', { baseFolder: dirname(source.file) })).classes];
  const student = createDetector(experiment.student, { classes, random: Random.of(0) });
  loadStateDict(student, await readWeights(join(found.folder, 'student.safetensors')), { strict: true });
  const state = saveStateDict(student, naming, (variables) => variables.map((variable) => Float32Array.from(variable.dataSync())));
  const file = resolve(output);
  await writeSafetensors(file, state, {
    format: 'pt', naming, detector: experiment.student.detector, backbone: experiment.student.backbone, classes: JSON.stringify(classes),
    size: JSON.stringify(experiment.data.size), normalize: JSON.stringify(experiment.data.normalize), run: experiment.name, step: String(found.state.step),
  });
  const digest = digestOf(state);
  if (digestOf(await readWeights(file)) !== digest) throw new DistillError('DL613', 'The exported file does not read back as it was written.', { where: { file }, advice: 'Check the disk, then export again.' });
  return { file, tensors: state.size, digest, step: found.state.step };
}
