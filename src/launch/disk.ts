/** Failed writes as errors that say what to do. */
import { DistillError } from '../errors.ts';

/** @returns the error to throw: a DistillError DL701 to DL703 for what a user can mend, else the cause itself. */
export function diskError(file: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ENOSPC': return new DistillError('DL701', 'The disk is full.', { where: { file }, advice: 'Free some space, then try again.', cause });
    case 'EDQUOT': return new DistillError('DL701', 'Your quota of this disk is used up.', { where: { file }, advice: 'Free some space (`distill-lab clean`), or put runs elsewhere (`--runs FOLDER`), then try again.', cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': return new DistillError('DL702', 'This place cannot be written.', { where: { file }, got: code, advice: 'Check the permissions of the folder, or put runs elsewhere (`--runs FOLDER`).', cause });
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ENOENT': return new DistillError('DL703', 'Something else stands where a folder is needed.', { where: { file }, got: code, advice: 'Move it away, or put runs elsewhere (`--runs FOLDER`).', cause });
    default: return cause;
  }
}
