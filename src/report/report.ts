/**
 * A run as one HTML file that needs nothing else: results and settings as plain HTML, curves and masks by the panel's own
 * page with the run's data embedded. Nothing is fetched; only this file's own script and styles may run, by their hashes.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { type RunEvent } from '../experiment/record.ts';
import { cacheWords, type RunSummary, readResolved, readRun } from '../store/index.ts';
import { formatCount } from '../../webview/format.ts';
import { RunModel } from '../../webview/model.ts';
import { REPORT_ELEMENT, type ReportData } from '../../webview/reportData.ts';
import { type Assets, findAssets } from './assets.ts';
import { type CollectedPictures, collectEvents, collectPictures } from './collect.ts';
import { contentHash, inlineScript, inlineStyle, json, text } from './html.ts';
import { classTable, remarks, resultTable, verdict } from './results.ts';
import { REPORT_STYLE } from './style.ts';

export interface ReportOptions {
  /** Script and style of the panel, where they are not to be looked for. */
  readonly assets?: Assets;
  readonly now?: Date;
}

/**
 * @param folder run folder
 * @param output HTML file; its folder is made where it is missing
 * @returns the file written
 * @throws DistillError DL704 when the folder is no run, DL790 when the page was not built
 */
export async function writeReport(folder: string, output: string, options: ReportOptions = {}): Promise<string> {
  const resolved = await readResolved(folder);
  const [assets, run, { events, thinning }] = await Promise.all([options.assets ?? findAssets(), readRun(folder), collectEvents(folder)]);
  const model = new RunModel();
  model.add(events, true);
  const best = [...(model.evaluations.get('student') ?? [])].sort((a, b) => b.metrics.AP - a.metrics.AP)[0];
  const arm = model.pictures.some((mark) => mark.arm === 'student') ? 'student' : model.pictures[0]?.arm;
  const recorded = model.pictures.filter((mark) => mark.arm === arm);
  const pictures = await collectPictures(folder, recorded, best?.step);
  const html = page({
    run, model, pictures, assets, events: withoutMissing(events, pictures), settings: stringify(resolved.experiment, { lineWidth: 120 }),
    notes: notesOf(run, model, thinning, pictures), version: resolved.version, written: options.now ?? new Date(),
  });
  await mkdir(path.dirname(output), { recursive: true });
  // Aside first: a report that someone has open must not be half of one.
  const aside = `${output}.${process.pid}.tmp`;
  await writeFile(aside, html);
  await rename(aside, output);
  return output;
}

/** The page must not offer steps whose masks are not in the report. */
function withoutMissing(events: readonly RunEvent[], { pictures }: CollectedPictures): RunEvent[] {
  const embedded = new Set(pictures.map(({ folder }) => folder));
  return events.filter((event) => event.type !== 'pictures' || embedded.has(event.folder));
}

function capitalised(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function notesOf(run: RunSummary, model: RunModel, thinning: number, pictures: CollectedPictures): string[] {
  const notes = [...new Set(model.warnings)].slice(0, 50);
  if (run.engine?.notice !== undefined) notes.push(run.engine.notice);
  if (run.damage !== undefined) notes.push(run.damage);
  if (run.teacherCache !== undefined) notes.push(`${capitalised(cacheWords(run.teacherCache))}.`);
  if (thinning > 1) notes.push(`Curves are drawn from every ${formatCount(thinning)}th step of the longest training; the run folder has them all.`);
  if (pictures.note !== '') notes.push(`${capitalised(pictures.note)}.`);
  return notes;
}

interface Parts {
  readonly run: RunSummary;
  readonly model: RunModel;
  readonly pictures: CollectedPictures;
  readonly assets: Assets;
  readonly events: readonly RunEvent[];
  readonly settings: string;
  readonly notes: readonly string[];
  readonly version: string;
  readonly written: Date;
}

function page(parts: Parts): string {
  const { run, model, pictures, assets, events } = parts;
  const style = inlineStyle(`${assets.style}\n${REPORT_STYLE}`);
  const script = inlineScript(assets.script);
  const policy = `default-src 'none'; script-src ${contentHash(script)}; style-src ${contentHash(style)}; img-src data: blob:; base-uri 'none'; form-action 'none'`;
  const data: ReportData = { header: { id: run.id, name: run.name, state: run.state, hasLine: false, ...(run.reason !== undefined && { reason: run.reason }) }, events, pictures: pictures.pictures, images: pictures.images };
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${text(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(run.name)}</title>
<style>${style}</style>
</head>
<body class="report">
<div class="sheet">
${heading(parts)}
${resultTable(run, model)}
<p class="remarks">${remarks(run).map(text).join(' ')}</p>
<div id="panel"></div>
${details(parts)}
</div>
<script type="application/json" id="${REPORT_ELEMENT}">${json(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function heading({ run, written }: Parts): string {
  const { sentence, bad } = verdict(run, written);
  const device = run.engine === undefined ? '' : `<p>${text(`${run.engine.device} · ${run.engine.precision} · ${run.engine.backend}`)}</p>`;
  const log = run.logTail.length === 0 ? '' : `<pre class="code">${text(run.logTail.join('\n'))}</pre>`;
  return `<header class="title"><h1>${text(run.name)}</h1><p>${text(run.summary ?? '')}</p>${device}<p class="verdict${bad ? ' bad' : ''}">${text(sentence)}</p>${log}</header>`;
}

function details({ run, settings, notes, version, written }: Parts): string {
  const classes = classTable(run);
  const list = notes.length === 0 ? '<p>None.</p>' : `<ul>${notes.map((note) => `<li>${text(note)}</li>`).join('')}</ul>`;
  return `<section aria-label="Details">
${classes === '' ? '' : `<details><summary>Classes</summary>${classes}</details>`}
<details><summary>Notes on data and run</summary>${list}</details>
<details><summary>Settings, defaults filled in</summary><pre class="code">${text(settings)}</pre></details>
<p class="remarks">${text(`Run ${run.id} · version ${version} · written ${written.toISOString().slice(0, 16).replace('T', ' ')} UTC`)}</p>
</section>`;
}
