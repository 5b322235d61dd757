/**
 * Fills what is made from the table of methods into docs/methods: options, pictures and facts of each page between its markers,
 * and the list of all in docs/methods/README.md. `--check` writes nothing and ends with 1 if something would change.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const pages = join(root, 'docs', 'methods');
const START = '<!-- generated: options and pictures -->';
const END = '<!-- /generated -->';
const check = process.argv.includes('--check');

// Inside the project, where the packages that stay outside the bundle are found.
const folder = mkdtempSync(join(root, 'node_modules', '.methods-'));
const outdated = [];
try {
  const outfile = join(folder, 'methods.mjs');
  await build({ entryPoints: [join(root, 'src/cli/methodDocs.ts')], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'warning', external: ['@tensorflow/*', 'sharp', 'zod'] });
  const { generatedPart, methodIds, methodTable } = await import(pathToFileURL(outfile).href);
  for (const id of methodIds) fill(join(pages, `${id}.md`), generatedPart(id));
  fill(join(pages, 'README.md'), methodTable(''));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (check && outdated.length > 0) {
  console.error(`out of date, run \`node scripts/methods.mjs\`: ${outdated.join(', ')}`);
  process.exitCode = 1;
}

function fill(file, text) {
  if (!existsSync(file)) throw new Error(`${file} is missing: every method has a page`);
  const page = readFileSync(file, 'utf8');
  const [from, to] = [page.indexOf(START), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${file} lacks the markers ${START} and ${END}`);
  const filled = `${page.slice(0, from + START.length)}\n\n${text}\n\n${page.slice(to)}`;
  if (filled === page) return;
  outdated.push(file);
  if (!check) writeFileSync(file, filled);
}
