/** Paths of keys in an experiment: `distill[0].alpha` for people, `['distill', 0, 'alpha']` for code. */
export type KeyPath = readonly (string | number)[];

/** `['distill', 0, 'alpha']` → `distill[0].alpha`; the empty path is the whole file. */
export function formatKey(path: KeyPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Reads `distill[0].alpha` and `distill.0.alpha` alike; undefined when it is neither. */
export function parseKey(text: string): KeyPath | undefined {
  if (!/^[A-Za-z_][\w-]*(?:\.(?:[A-Za-z_][\w-]*|\d+)|\[\d+\])*$/.test(text)) return undefined;
  const parts = text.match(/[A-Za-z_][\w-]*|\d+/g) ?? [];
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** What stands at `path` in plain data, or undefined where the path leads nowhere. */
export function valueAt(data: unknown, path: KeyPath): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
