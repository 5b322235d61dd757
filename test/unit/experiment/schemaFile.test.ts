import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { experimentJsonSchema } from '../../../src/experiment/jsonSchema.ts';

it('publishes the schema that the source has (else: node scripts/schema.mjs)', () => {
  const published: unknown = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../docs/experiment.schema.json'), 'utf8'));
  expect(published).toEqual(JSON.parse(JSON.stringify(experimentJsonSchema())));
});
