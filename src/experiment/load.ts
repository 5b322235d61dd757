/** Reads an experiment file: YAML, schema, then checks across keys. Touches no disk; `files.ts` does. */
import { crossChecks } from './check.ts';
import { sweepChecks, withoutNulls } from './checkSweep.ts';
import { type Environment, expandVariables } from './environmentVariables.ts';
import { findingsOf } from './issues.ts';
import { applyOverrides } from './overrides.ts';
import { type Entry, type Positions } from './positions.ts';
import { type Finding, place, type Problem } from './problems.ts';
import { type Experiment, experimentSchema } from './schema.ts';
import { parseYaml } from './yamlTree.ts';

export interface ReadOptions {
  /** `key.path=value`, applied in order. */
  readonly overrides?: readonly string[] | undefined;
  /** For `${env:NAME}`; default: this process's. */
  readonly environment?: Environment | undefined;
}

export interface ReadResult {
  /** Checked and complete; absent when there is a problem of severity `error`. */
  readonly experiment?: Experiment;
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  readonly positions: Positions;
}

/**
 * @param text the file's content.
 * @param file its path as the user would type it, for messages.
 */
export function readExperiment(text: string, file: string, options: ReadOptions = {}): ReadResult {
  const tree = parseYaml(text, file);
  if (tree.data === undefined) return { problems: tree.problems, positions: tree.positions };
  const problems: Problem[] = [...tree.problems];
  const entries = new Map<string, Entry>(tree.positions.entries);
  const changed = applyOverrides(tree.data, options.overrides ?? [], entries, problems);
  const positions: Positions = { file, lines: linesOf(entries), entries };

  const findings: Finding[] = [];
  const data = withoutNulls(expandVariables(changed, options.environment ?? process.env, findings));
  const parsed = experimentSchema.safeParse(data);
  if (parsed.success) findings.push(...(isSweep(parsed.data) ? sweepChecks : crossChecks)(parsed.data, data));
  else findings.push(...parsed.error.issues.flatMap((issue) => findingsOf(issue, data)));

  problems.push(...findings.map((finding) => place(finding, positions)));
  problems.sort((a, b) => (a.range?.offset ?? 0) - (b.range?.offset ?? 0));
  const sound = parsed.success && problems.every((problem) => problem.severity !== 'error');
  return { ...(sound ? { experiment: parsed.data } : {}), problems, positions };
}

/** Whether the file makes several runs: such a file is trained by a sweep. */
export function isSweep({ seeds, sweep }: Pick<Experiment, 'seeds' | 'sweep'>): boolean {
  return seeds !== undefined || sweep !== undefined;
}

function linesOf(entries: ReadonlyMap<string, Entry>): Record<string, number> {
  const lines: Record<string, number> = {};
  for (const [key, entry] of entries) if (key !== '' && entry.override === undefined) lines[key] = (entry.key ?? entry.value).line;
  return lines;
}
