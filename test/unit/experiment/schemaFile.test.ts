/** The published JSON Schema, as editors other than VS Code read it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { experimentJsonSchema } from '../../../src/experiment/jsonSchema.ts';
import { TEMPLATES } from '../../../src/experiment/templates.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const published = JSON.parse(read('docs/experiment.schema.json')) as { readonly $schema: string };

it('publishes the schema that the source has (else: node scripts/schema.mjs)', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(experimentJsonSchema())));
});

describe('the published schema', () => {
  // Editors know `markdownDescription`, our hovers `unit`; the standard takes both for remarks. Tuples of draft 07 need no length to be closed by.
  const ajv = new Ajv({ strict: true, strictTuples: false, keywords: ['markdownDescription', 'unit'] });
  const validate = ajv.compile(published);

  it('is draft 07 to the letter', () => {
    expect(published.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(ajv.validateSchema(published), JSON.stringify(ajv.errors)).toBe(true);
  });

  const examples = readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.distill.yaml')).map((file) => [file, read(`examples/${file}`)] as const);
  const blocks = [...read('docs/experiment.md').matchAll(/^```yaml\n(name: [^]*?)^```/gm)].map(([, text = ''], index) => [`docs/experiment.md, block ${index + 1}`, text] as const);
  it.each([...examples, ...TEMPLATES.map(({ file, text }) => [`template ${file}`, text] as const), ...blocks])('accepts %s', (_, text) => {
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  const sound = parse(examples[0]?.[1] ?? '') as Readonly<Record<string, unknown>>;
  it.each([
    ['an unknown key', { ...sound, colour: 'red' }],
    ['a missing key', { ...sound, name: undefined }],
    ['an option of another method', { ...sound, distill: [{ method: 'rm', alpha: 1 }] }],
    ['a word that is no choice', { ...sound, train: { steps: 10, schedule: 'linear' } }],
    ['a number out of range', { ...sound, train: { steps: 0 } }],
  ])('refuses %s', (_, experiment) => {
    expect(validate(JSON.parse(JSON.stringify(experiment)))).toBe(false);
  });
});
