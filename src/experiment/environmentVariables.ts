/** `${env:NAME}` in paths: one file for machines that keep their data in different places. */
import { type KeyPath } from './keyPath.ts';
import { type Finding } from './problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Only these keys hold paths; elsewhere the text stays as it is. */
const PATH_KEYS = new Set(['root', 'annotations', 'images', 'config', 'weights', 'encoder', 'train', 'val', 'folder']);

export function expandVariables(data: unknown, environment: Environment, findings: Finding[], path: KeyPath = []): unknown {
  if (Array.isArray(data)) return data.map((item, index) => expandVariables(item, environment, findings, [...path, index]));
  if (typeof data === 'object' && data !== null) {
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, expandVariables(value, environment, findings, [...path, key])]));
  }
  const key = path.at(-1);
  if (typeof data !== 'string' || typeof key !== 'string' || !PATH_KEYS.has(key)) return data;
  return data.replaceAll(/\$\{env:([^}]*)\}/g, (whole, name: string) => {
    const value = environment[name.trim()];
    if (value !== undefined && value !== '') return value;
    findings.push({ code: 'DL110', message: `The environment variable ${name.trim() || '(no name)'} is not set.`, path, got: data, advice: `Set it before starting, e.g. \`export ${name.trim() || 'NAME'}=/path/to/data\`, or write the path itself.` });
    return whole;
  });
}
