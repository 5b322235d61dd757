/** `--set key.path=value`: changes for one run, checked like the file itself. */
import { formatKey, type KeyPath, parseKey } from './keyPath.ts';
import { type Entry } from './positions.ts';
import { type Problem } from './problems.ts';
import { parseYaml } from './yamlTree.ts';

const NOWHERE = { offset: 0, end: 0, line: 1, column: 1, endLine: 1, endColumn: 1 };

/** Returns the changed copy; notes where each changed key comes from in `entries`. `key=` with nothing after it leaves the key out. */
export function applyOverrides(data: unknown, overrides: readonly string[], entries: Map<string, Entry>, problems: Problem[]): unknown {
  // Not an experiment at all: that is to be said, not papered over by a key set from outside.
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  let changed: unknown = data;
  for (const override of overrides) {
    const equals = override.indexOf('=');
    const path = equals < 0 ? undefined : parseKey(override.slice(0, equals).trim());
    const value = parseYaml(override.slice(equals + 1), `--set ${override}`);
    if (path === undefined || value.problems.some((problem) => problem.code !== 'DL109')) {
      problems.push({ code: 'DL111', severity: 'error', message: 'This change is not understood.', path: [], file: `--set ${override}`, expected: 'key.path=value, e.g. train.steps=500', got: override });
      continue;
    }
    changed = withValue(changed, path, value.data ?? null);
    note(entries, path, override);
  }
  return changed;
}

function note(entries: Map<string, Entry>, path: KeyPath, override: string): void {
  const prefix = formatKey(path);
  for (const key of entries.keys()) if (key.startsWith(`${prefix}.`) || key.startsWith(`${prefix}[`)) entries.delete(key);
  entries.set(prefix, { value: NOWHERE, override });
}

/** A copy of plain data with another value at `path`. */
export function withValue(data: unknown, path: KeyPath, value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (typeof part === 'number') {
    const list: unknown[] = Array.isArray(data) ? [...(data as readonly unknown[])] : [];
    // A gap would be filled with nothing; one past the end appends.
    const index = Math.min(part, list.length);
    list[index] = withValue(list[index], rest, value);
    return list;
  }
  const mapping = typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Record<string, unknown>) : {};
  return Object.fromEntries([...Object.entries(mapping), [part, withValue(Object.hasOwn(mapping, part) ? mapping[part] : undefined, rest, value)]]);
}
