/** Writes docs/experiment.schema.json from the schema in the source: for editors other than VS Code (`# yaml-language-server: $schema=…`). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'distill-lab-schema-'));
try {
  const outfile = join(folder, 'schema.mjs');
  await build({ entryPoints: [join(root, 'src/experiment/jsonSchema.ts')], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'warning' });
  const { experimentJsonSchema } = await import(pathToFileURL(outfile).href);
  writeFileSync(join(root, 'docs/experiment.schema.json'), `${JSON.stringify(experimentJsonSchema(), null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
