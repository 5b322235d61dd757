/** The errors of weight files, one function a code; the pages are in `docs/errors.md`. */
import { DistillError } from '../../errors.ts';

export function unreadable(path: string, cause: unknown): DistillError {
  const code = errorCode(cause);
  const reasons: Record<string, string> = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'permission denied' };
  return new DistillError('DL401', `The weight file ${path} cannot be read: ${reasons[code] ?? messageOf(cause)}.`, {
    advice: 'Check the path; relative paths start at the folder of the experiment file.', cause,
  });
}

export function notWeights(path: string, got: string, advice?: string): DistillError {
  return new DistillError('DL402', `${path} is not a weight file that can be read.`, { expected: 'safetensors, or a state dict saved by torch.save', got, advice });
}

export function damagedHeader(path: string, got: string): DistillError {
  return new DistillError('DL403', `The header of the safetensors file ${path} is damaged.`, { got, advice: 'Copy or download the file again, or export it again.' });
}

export function damagedData(path: string, got: string, cause?: unknown): DistillError {
  return new DistillError('DL404', `The weight file ${path} is damaged or cut off.`, { got, advice: 'Copy or download the file again, and compare its size with the original.', cause });
}

export function unsupportedType(path: string, got: string): DistillError {
  return new DistillError('DL405', `The weight file ${path} holds a tensor of a type that is not supported.`, {
    expected: 'float64, float32, float16, bfloat16, bool, or integers that fit 32 bits', got, advice: 'Convert the tensor to float32 before saving.',
  });
}

export function forbiddenCall(path: string, name: string): DistillError {
  return new DistillError('DL406', `The weight file ${path} wants to call ${name} when it is opened. It was refused; nothing was run.`, {
    expected: 'tensors and plain data only',
    got: name,
    advice: 'If you trust the file, open it in Python and save its weights alone: torch.save(model.state_dict(), "weights.pth"). If you do not know where it comes from, delete it.',
  });
}

export function damagedPickle(path: string, got: string): DistillError {
  return new DistillError('DL407', `The list of tensors in ${path} cannot be understood.`, { got, advice: 'Save the weights again with torch.save(model.state_dict(), "weights.pth").' });
}

export function noStateDict(path: string, got: string): DistillError {
  return new DistillError('DL408', `There are no named weights in ${path}.`, {
    expected: 'a state dict, or a checkpoint with one under state_dict, model, ema, …', got, advice: 'Save the network\'s state_dict().',
  });
}

export function tooLarge(path: string, got: string): DistillError {
  return new DistillError('DL409', `The weight file ${path} asks for more memory than any detector needs.`, { got, advice: 'Do not open it if you do not trust its origin; otherwise save the state dict alone.' });
}

export function unwritable(path: string, cause: unknown): DistillError {
  const code = errorCode(cause);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new DistillError('DL410', `The weight file ${path} cannot be written: ${code === 'EDQUOT' ? 'your quota of this disk is used up' : full ? 'the disk is full' : messageOf(cause)}.`, {
    advice: full ? 'Free some space and try again; a file that was there before is unchanged.' : 'Check that the folder exists and may be written to.', cause,
  });
}

function errorCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
