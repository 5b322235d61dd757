/** Finds the state dict in what a .pth file holds: the file itself, or one entry of a training checkpoint. */
import { PickleDict } from './pickleValues.ts';
import { noStateDict } from './problems.ts';
import { TensorRef } from './torchObjects.ts';

/** Where training programs put the weights, the likeliest first. */
const KEYS = ['state_dict', 'model_state_dict', 'model', 'student', 'network', 'net', 'module', 'weights', 'params', 'ema_state_dict', 'model_ema', 'ema'];
const MAX_DEPTH = 4;

export interface FoundStateDict {
  readonly tensors: ReadonlyMap<string, TensorRef>;
  /** `state_dict`, `ema.module`, …; empty for the file itself. */
  readonly from: string;
  readonly notes: readonly string[];
}

/** Throws DL408. */
export function findStateDict(root: unknown, path: string): FoundStateDict {
  const candidates = search(root, [], path);
  const [best, ...others] = candidates;
  if (best === undefined) throw noStateDict(path, describe(root));
  const notes: string[] = [];
  if (best.keys.length > 0) notes.push(`The weights were taken from "${best.keys.join('.')}".`);
  if (others.length > 0) notes.push(`The file also holds weights under ${others.map(({ keys }) => `"${keys.join('.')}"`).join(', ')}; they were not used.`);
  const { tensors, skipped } = tensorsOf(best.dict);
  if (skipped.length > 0) notes.push(`${skipped.length} entries that are no tensors were left out: ${skipped.slice(0, 3).join(', ')}${skipped.length > 3 ? ', …' : ''}.`);
  return { ...withoutWrapper(tensors, notes), from: best.keys.join('.') };
}

interface Candidate {
  readonly dict: PickleDict;
  readonly keys: readonly string[];
}

/** Entries of a checkpoint come before the checkpoint itself, which may carry a stray tensor beside them. */
function search(value: unknown, keys: readonly string[], path: string): Candidate[] {
  if (!(value instanceof PickleDict) || keys.length > MAX_DEPTH) return [];
  const found = KEYS.flatMap((key) => search(value.entries.get(key), [...keys, key], path));
  const own = tensorsOf(value).tensors.size > 0 ? [{ dict: value, keys }] : [];
  return found.length > 0 ? found : own;
}

function tensorsOf(dict: PickleDict): { tensors: Map<string, TensorRef>; skipped: string[] } {
  const tensors = new Map<string, TensorRef>();
  const skipped: string[] = [];
  for (const [key, value] of dict.entries) {
    if (typeof key === 'string' && value instanceof TensorRef) tensors.set(key, value);
    else skipped.push(typeof key === 'string' ? key : 'one without a name');
  }
  return { tensors, skipped };
}

/** Networks wrapped for several GPUs have `module.` before every name. */
function withoutWrapper(tensors: ReadonlyMap<string, TensorRef>, notes: readonly string[]): Omit<FoundStateDict, 'from'> {
  const prefix = 'module.';
  if (![...tensors.keys()].every((name) => name.startsWith(prefix))) return { tensors, notes };
  const renamed = new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  return { tensors: renamed, notes: [...notes, `"${prefix}" before every name was dropped.`] };
}

function describe(root: unknown): string {
  if (!(root instanceof PickleDict)) return 'something else than a dictionary';
  const names = [...root.entries.keys()].map(String);
  return names.length === 0 ? 'an empty dictionary' : `the entries ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
}
