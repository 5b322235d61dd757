/** Writing so that a crash, a full disk or a kill leaves either the old file or the new one. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { DistillError } from '../errors.ts';

/** Written aside, flushed, renamed. */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const aside = `${path}.${process.pid}.new`;
  try {
    const file = openSync(aside, 'w');
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(aside, path);
  } catch (cause) {
    rmSync(aside, { force: true });
    throw diskError(path, cause);
  }
}

/** A failed write as an error that says what to do; the run's last good checkpoint is untouched by it. */
export function diskError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DistillError('DL602', code === 'EDQUOT' ? 'Your quota of this disk is used up.' : 'The disk is full.', { where: { file: path }, advice: 'Free some space, then resume the run: it goes on from its last checkpoint.', cause });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new DistillError('DL603', 'The run folder cannot be written.', { where: { file: path }, got: code, advice: 'Check the permissions of the folder, then resume the run.', cause });
  }
  return cause;
}
