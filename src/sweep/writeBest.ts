/** A combination written back into its experiment file, comments and all. */
import { isMap, parse, parseDocument } from 'yaml';
import { DistillError } from '../errors.ts';
import { parseKey } from '../experiment/keyPath.ts';
import { readExperiment } from '../experiment/load.ts';
import { toError } from '../experiment/problems.ts';
import { type SweepView } from './open.ts';
import { bestRow, type SweepMetric, sweepRows } from './results.ts';

/** Changes that belong to the sweep, not to the experiment that it found. */
const NOT_WRITTEN = ['seeds', 'sweep', 'name', 'control'];

/** The best combination by a metric as an experiment of its own. @param file where it will stand. @throws DistillError DL743, DL746 */
export function bestExperiment({ outcomes, plan }: Pick<SweepView, 'outcomes' | 'plan'>, by: SweepMetric, file: string): { readonly label: string; readonly text: string } {
  const best = bestRow(sweepRows(outcomes), by);
  if (best === undefined) throw new DistillError('DL746', 'There is no best combination yet.', { advice: 'Wait until a run of the sweep has finished.' });
  const key = best.seeds.find(({ metrics }) => metrics !== undefined)?.key;
  return { label: best.label, text: withOverrides(plan.text, file, plan.runs.find((run) => run.key === key)?.overrides ?? []) };
}

/**
 * @param text the sweep's experiment file. @param overrides of the run to write, as `key=value`; nothing after the sign leaves the key out.
 * @returns the file with these values, without `seeds` and `sweep`. @throws DistillError DL743 when the file has other bones than plain keys.
 */
export function withOverrides(text: string, file: string, overrides: readonly string[]): string {
  const document = parseDocument(text, { version: '1.2', schema: 'core' });
  if (!isMap(document.contents)) throw new DistillError('DL743', 'The best combination cannot be written into this file.', { where: { file } });
  for (const key of ['seeds', 'sweep']) document.delete(key);
  for (const override of overrides) {
    const equals = override.indexOf('=');
    const path = parseKey(override.slice(0, equals).trim()) ?? [];
    if (path.length === 0 || NOT_WRITTEN.includes(String(path[0]))) continue;
    const value: unknown = parse(override.slice(equals + 1), { version: '1.2', schema: 'core' });
    if (value === null || value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value, path.length > 1 ? { flow: true } : {}));
  }
  const written = document.toString({ lineWidth: 0 });
  const [flaw] = readExperiment(written, file).problems.filter(({ severity }) => severity === 'error');
  if (flaw === undefined) return written;
  throw new DistillError('DL743', `The best combination cannot be written into this file: ${toError(flaw).message}`, { where: { file }, got: overrides.join(', '), advice: 'The file uses aliases or keys that the values replace: write them by hand.' });
}
