/** The schema's findings in our words: what was expected, what came, what to do. */
import { type z } from 'zod';
import { describeAny, describeSchema, homesOf, keysAt, schemasAt } from './jsonSchema.ts';
import { formatKey, type KeyPath, valueAt } from './keyPath.ts';
import { didYouMean, type Finding, show } from './problems.ts';
import { choiceRepairs, missingRepairs, numberRepairs, typeRepairs, unknownRepairs } from './repairs.ts';

type Issue = z.core.$ZodIssue;

/** @param data the experiment as it was given to the schema. */
export function findingsOf(issue: Issue, data: unknown): readonly Finding[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], data));
  // One thing or a list of it: the branch of the kind that was written says more than the union.
  const branch = issue.code === 'invalid_union' ? issue.errors.find((errors) => !errors.some(({ code, path: inner }) => code === 'invalid_type' && inner.length === 0)) : undefined;
  if (branch !== undefined) return branch.flatMap((inner) => findingsOf({ ...inner, path: [...issue.path, ...inner.path] }, data));
  const value = valueAt(data, path);
  if (value === undefined) return [missingKey(path, data)];
  if (issue.code === 'invalid_value' || issue.code === 'invalid_union') return [wrongChoice(path, value, data)];
  const sized = issue.code === 'too_small' || issue.code === 'too_big';
  return [sized && typeof value === 'number' ? outOfRange(path, value, data) : wrongType(path, value, data)];
}

function unknownKey(path: KeyPath, data: unknown): Finding {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const known = keysAt(parent, data);
  const meant = didYouMean(key, known);
  const homes = homesOf(key);
  const advice = meant !== undefined ? `Did you mean \`${meant}\`?`
    : homes.length > 0 ? `\`${key}\` belongs under ${homes.join(' or ')}.`
    : known.length > 0 ? `Keys that can stand here: ${known.join(', ')}.` : undefined;
  const where = parent.length === 0 ? 'an experiment' : `\`${formatKey(parent)}\``;
  return { code: 'DL102', message: `\`${key}\` is not a key of ${where}.`, path, at: 'key', advice, repairs: unknownRepairs(path, meant, data) };
}

function missingKey(path: KeyPath, data: unknown): Finding {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const schemas = schemasAt(path, data);
  const [schema] = schemas;
  if (path[0] === 'teacher' && path.at(-1) === 'weights') {
    const [, place] = path;
    const who = typeof place === 'number' ? `Teacher ${place + 1} of the list` : 'The teacher';
    return { code: 'DL113', message: `${who} has no weights: there is no teacher without its file.`, path, at: 'key', expected: 'a file of trained weights', advice: `Train a teacher with examples/scenes-teacher.distill.yaml or with your own data (leave \`distill\` out), then name its file as \`${formatKey(path)}\`.`, repairs: missingRepairs(path, data) };
  }
  const choices = schemasAt(parent, data).map((branch) => branch.properties?.[key]?.const).filter((choice) => choice !== undefined);
  const expected = choices.length > 1 ? `one of ${choices.map(String).join(', ')}` : schema === undefined ? undefined : describeAny(schemas);
  const meaning = schema?.description === undefined ? '' : ` ${schema.description}`;
  return { code: 'DL104', message: `\`${formatKey(path)}\` is missing.`, path, at: 'key', expected, advice: `Add \`${key}\`.${choices.length > 1 ? '' : meaning}`, repairs: missingRepairs(path, data) };
}

function wrongChoice(path: KeyPath, value: unknown, data: unknown): Finding {
  const choices = choicesAt(path, data);
  if (choices.length === 0) return wrongType(path, value, data);
  const meant = typeof value === 'string' ? didYouMean(value, choices) : undefined;
  return {
    code: 'DL105', message: `${show(value)} is not a value of \`${formatKey(path)}\`.`, path,
    expected: `one of ${choices.join(', ')}`, got: show(value),
    advice: meant === undefined ? 'Choose one of these.' : `Did you mean \`${meant}\`?`, repairs: choiceRepairs(path, meant, choices, data),
  };
}

/** The words that can stand at `path`, across the branches of a union that its own value decides between. */
function choicesAt(path: KeyPath, data: unknown): readonly string[] {
  const key = path.at(-1);
  const parents = schemasAt(path.slice(0, -1), data);
  const schemas = typeof key === 'string' ? parents.flatMap((parent) => (parent.properties?.[key] === undefined ? [] : [parent.properties[key]])) : schemasAt(path, data);
  return [...new Set(schemas.flatMap((schema) => (schema.const === undefined ? (schema.enum ?? []) : [schema.const])).map(String))];
}

function outOfRange(path: KeyPath, value: number, data: unknown): Finding {
  const [schema] = schemasAt(path, data);
  return { code: 'DL106', message: `\`${formatKey(path)}\` is out of range.`, path, expected: schema === undefined ? undefined : describeSchema(schema), got: show(value), repairs: numberRepairs(path, value, data) };
}

function wrongType(path: KeyPath, value: unknown, data: unknown): Finding {
  const schemas = schemasAt(path, data);
  const expected = describeAny(schemas);
  const [schema] = schemas;
  return {
    code: 'DL103', message: path.length === 0 ? 'An experiment is a mapping of keys to values.' : `\`${formatKey(path)}\` has the wrong kind of value.`, path,
    expected: expected === '' ? undefined : expected, got: show(value), advice: repair(value, schema?.type), repairs: typeRepairs(path, value, data),
  };
}

function repair(value: unknown, type: string | undefined): string | undefined {
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return 'Put it in quotes.';
  if (type === 'boolean' && typeof value === 'string' && /^(yes|no|on|off)$/i.test(value)) return `Write ${/^(yes|on)$/i.test(value) ? 'true' : 'false'}.`;
  if ((type === 'number' || type === 'integer') && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return 'Remove the quotes.';
  if (type === 'number' && typeof value === 'string' && /^\d+e-?\d+$/i.test(value)) return 'Write it as a number, e.g. 0.001.';
  if (type === 'array' && value !== null && typeof value !== 'object') return 'Put it in brackets: [ … ].';
  return undefined;
}
