/** Where a user's runs go unless the file says otherwise: a settings file of theirs, or the editor's settings, beneath `launch`. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { DistillError } from '../errors.ts';
import { type LaunchConfig, launchSchema } from '../experiment/sweepSchema.ts';

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** As somebody wrote it: no default filled in, so that it can lie above or beneath another. */
export type WrittenLaunch = Fields;

/** `launch.yaml` in the user's own settings folder; `DISTILL_LAB_LAUNCH` names another file. */
export function userLaunchFile(environment: NodeJS.ProcessEnv = process.env): string {
  const { DISTILL_LAB_LAUNCH: named = '', XDG_CONFIG_HOME: config = '', APPDATA: roaming = '' } = environment;
  if (named !== '') return path.resolve(named);
  const folder = process.platform === 'win32' && roaming !== '' ? roaming : config === '' ? path.join(homedir(), '.config') : config;
  return path.join(folder, 'distill-lab', 'launch.yaml');
}

/** Nothing where there is no such file. @throws DistillError DL769 when it is not understood. */
export async function readUserLaunch(environment: NodeJS.ProcessEnv = process.env): Promise<WrittenLaunch> {
  const file = userLaunchFile(environment);
  if (!existsSync(file)) return {};
  let data: unknown;
  try {
    data = parse(await readFile(file, 'utf8'), { version: '1.2', schema: 'core', maxAliasCount: 0 });
  } catch (cause) {
    throw new DistillError('DL769', 'The launch settings cannot be read.', { where: { file }, got: cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), advice: 'Mend the file, or take it away.', cause });
  }
  return withTemplateFrom(checkedLaunch(data ?? {}, file), path.dirname(file));
}

/** A relative path of a template begins where it was written. */
export function withTemplateFrom<T extends object>(launch: T, folder: string): T {
  const section = 'kubernetes' in launch ? launch.kubernetes : undefined;
  return !isFields(section) || typeof section.template !== 'string' ? launch : { ...launch, kubernetes: { ...section, template: path.resolve(folder, section.template) } };
}

/** @param place where it was written, for the message. @throws DistillError DL769 when it says what `launch` could not say. */
export function checkedLaunch(data: unknown, place: string): WrittenLaunch {
  const parsed = launchSchema.safeParse(data);
  if (parsed.success && isFields(data)) return data;
  const [issue] = parsed.error?.issues ?? [];
  const key = issue === undefined || issue.path.length === 0 ? undefined : issue.path.join('.');
  throw new DistillError('DL769', key === undefined ? 'The launch settings are not understood.' : `The launch settings are not understood: \`${key}\`.`, {
    where: { file: place }, expected: 'the keys and values of `launch` in an experiment', got: issue?.message, advice: 'docs/sweeps.md lists them.',
  });
}

/** Of a file's `launch` what was really written in it. @param isWritten whether the file has something at a path of keys. */
export function writtenLaunch(launch: LaunchConfig | undefined, isWritten: (key: string) => boolean): WrittenLaunch {
  const pick = (fields: Fields, above: string, isSection: boolean): Fields => Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => {
    const at = `${above}.${key}`;
    if (!isWritten(at)) return [];
    // Sections have defaults of their own; what is deeper has names of a user's making.
    return [[key, isFields(value) && !isSection ? pick(value, at, true) : value]];
  }));
  return launch === undefined ? {} : pick(launch, 'launch', false);
}

/** The first has the last word. */
export function joinedLaunch(...layers: readonly WrittenLaunch[]): LaunchConfig {
  const over = (strong: Fields, weak: Fields): Fields => ({
    ...weak,
    ...Object.fromEntries(Object.entries(strong).map(([key, value]) => [key, isFields(value) && isFields(weak[key]) ? over(value, weak[key]) : value])),
  });
  return launchSchema.parse(layers.reduceRight<Fields>((weak, strong) => over(strong, weak), {}));
}
