/** The experiment's schema as JSON Schema (draft 07), for editors; and look-ups in it that serve messages and completion. */
import { z } from 'zod';
import { type KeyPath } from './keyPath.ts';
import { experimentSchema } from './schema.ts';

/** The few keywords that the schema uses. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string;
  readonly description?: string;
  readonly markdownDescription?: string;
  /** What its numbers count or measure. */
  readonly unit?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** Of keys that are not among `properties`; false where there are none. */
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

let made: JsonSchema | undefined;

/** Draft 07, of the file as written (defaults may be left out). Made once. */
export function experimentJsonSchema(): JsonSchema {
  made ??= {
    ...(z.toJSONSchema(experimentSchema, {
      target: 'draft-07',
      io: 'input',
      override: ({ jsonSchema }) => {
        // Zod writes JavaScript's largest whole number as a bound; it says nothing to a reader.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.description !== undefined) jsonSchema.markdownDescription = jsonSchema.description;
      },
    }) as JsonSchema),
    title: 'Distill Lab experiment',
  };
  return made;
}

/** The schemas that may hold at `path`: one where `data` decides (its `format`, its `method`), all alternatives else. */
export function schemasAt(path: KeyPath, data?: unknown): readonly JsonSchema[] {
  let schemas: readonly JsonSchema[] = [experimentJsonSchema()];
  let value = data;
  for (const part of path) {
    schemas = schemas.flatMap((schema) => alternatives(schema, value)).flatMap((schema) => step(schema, part));
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[part] : undefined;
  }
  return schemas.flatMap((schema) => alternatives(schema, value));
}

/** Names of the keys that may stand under `path`. */
export function keysAt(path: KeyPath, data?: unknown): readonly string[] {
  return [...new Set(schemasAt(path, data).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

function step(schema: JsonSchema, part: string | number): readonly JsonSchema[] {
  if (typeof part === 'number') {
    const { items } = schema;
    const item = Array.isArray(items) ? (items as readonly JsonSchema[])[part] : (items as JsonSchema | undefined);
    return item === undefined ? [] : [item];
  }
  const property = Object.hasOwn(schema.properties ?? {}, part) ? schema.properties?.[part] : schema.additionalProperties;
  return typeof property === 'object' ? [property] : [];
}

/** Branches of a union that agree with `value`'s constants; all of them when none does. */
function alternatives(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches === undefined) return [schema];
  const fitting = branches.filter((branch) => constants(branch).some(([key, constant]) => typeof value === 'object' && value !== null && (value as Record<string, unknown>)[key] === constant));
  return fitting.length > 0 ? fitting : branches;
}

function constants(schema: JsonSchema): readonly (readonly [string, unknown])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => (property.const === undefined ? [] : [[key, property.const] as const]));
}

/** Where else in the experiment a key of this name may stand, e.g. `learningRate` → `train`. */
export function homesOf(key: string): readonly string[] {
  const homes: string[] = [];
  const visit = (schema: JsonSchema, path: string): void => {
    for (const branch of schema.oneOf ?? schema.anyOf ?? []) {
      const [first] = constants(branch);
      visit(branch, first === undefined ? path : `${path} (${first[0]}: ${String(first[1])})`);
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (name === key) homes.push(path === '' ? 'the top level' : `\`${path}\``);
      visit(property, path === '' ? name : `${path}.${name}`);
    }
    if (schema.items !== undefined && !Array.isArray(schema.items)) visit(schema.items as JsonSchema, path);
  };
  visit(experimentJsonSchema(), '');
  return [...new Set(homes)];
}

/** What a schema asks for, in words: `a whole number from 1`, `one of coco, voc`. */
export function describeSchema(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return `one of ${schema.enum.map(String).join(', ')}`;
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) return describeAny(branches);
  switch (schema.type) {
    case 'integer': return `a whole number${range(schema)}`;
    case 'number': return `a number${range(schema)}`;
    case 'boolean': return 'true or false';
    case 'string': return schema.maxLength === undefined ? 'text' : `text of at most ${schema.maxLength} characters`;
    case 'object': return `a mapping with the keys ${Object.keys(schema.properties ?? {}).join(', ')}`;
    case 'array': return describeList(schema);
    case undefined: default: return 'a value';
  }
}

/** Several schemas of which one is to hold; the branches of a union are told by the key that decides. */
export function describeAny(schemas: readonly JsonSchema[]): string {
  const decisive = schemas.map((schema) => constants(schema)[0]);
  const [first] = decisive;
  if (schemas.length > 1 && first !== undefined && decisive.every((constant) => constant?.[0] === first[0])) {
    return `a mapping whose \`${first[0]}\` is one of ${decisive.map((constant) => String(constant?.[1])).join(', ')}`;
  }
  return [...new Set(schemas.map(describeSchema))].join(' or ');
}

function describeList(schema: JsonSchema): string {
  const { items } = schema;
  const item = Array.isArray(items) ? (items as readonly JsonSchema[])[0] : (items as JsonSchema | undefined);
  const many = schema.maxItems === undefined ? '' : `${schema.maxItems} values, `;
  return `a list: ${many}each ${item === undefined ? 'a value' : describeSchema(item)}`;
}

function range(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}${maximum === undefined ? '' : `, at most ${maximum}`}`;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` from ${minimum}`;
  if (maximum !== undefined) return ` up to ${maximum}`;
  return exclusiveMaximum === undefined ? '' : ` below ${exclusiveMaximum}`;
}
