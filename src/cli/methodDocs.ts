/** What the pages of `docs/methods` and `distill-lab methods` say of a method, made from the table: nothing of it is written by hand. */
import { METHODS, type MethodId } from '../distillers/table.ts';
import { type PictureKind } from '../distillers/distiller.ts';
import { describeSchema, schemasAt, type JsonSchema } from '../experiment/jsonSchema.ts';
import { factsOf } from '../experiment/methods/facts.ts';
import { type MethodCard } from '../experiment/methods/index.ts';
import { DETECTORS } from '../experiment/schema.ts';

/** In the order of the table. */
export const methodIds = Object.keys(METHODS) as MethodId[];

export interface MethodOption {
  readonly key: string;
  readonly form: string;
  readonly byDefault: string;
  readonly meaning: string;
}

export function optionsOf(id: MethodId): MethodOption[] {
  const published = defaultsByDetector(METHODS[id]);
  return schemasAt(['distill', 0], { distill: [{ method: id }] }).flatMap(({ properties = {} }) => Object.entries(properties)
    .filter(([key]) => key !== 'method').map(([key, schema]) => ({ key, form: describeSchema(schema), byDefault: defaultOf(schema, published.get(key)), meaning: schema.description ?? '' })));
}

function defaultOf(schema: JsonSchema, published: string | undefined): string {
  return published ?? (schema.default === undefined ? '–' : JSON.stringify(schema.default));
}

/** For each option with a default by detector: `0.001 (retinanet, gfl), 0.0016 (fcos)`. */
function defaultsByDetector({ defaults }: MethodCard): Map<string, string> {
  const values = new Map<string, Map<number, string[]>>();
  for (const detector of DETECTORS) {
    for (const [key, value] of Object.entries(defaults?.(detector) ?? {})) {
      const own = values.get(key) ?? new Map<number, string[]>();
      own.set(value, [...(own.get(value) ?? []), detector]);
      values.set(key, own);
    }
  }
  return new Map([...values].map(([key, own]) => [key, own.size === 1 ? String([...own.keys()][0]) : [...own].map(([value, detectors]) => `${value} (${detectors.join(', ')})`).join(', ')]));
}

/** Markdown between a page's markers. */
export function generatedPart(id: MethodId): string {
  const { pictures, url, ...card } = METHODS[id];
  const options = optionsOf(id);
  return [
    ...factsOf(card).map(([label, text]) => `- **${label}**: ${text}`),
    ...(url === undefined ? [] : [`- **paper**: <${url}>`]),
    '', '## Options', '',
    ...(options.length === 0 ? ['None.'] : ['| option | values | default | meaning |', '| --- | --- | --- | --- |', ...options.map(({ key, form, byDefault, meaning }) => `| \`${key}\` | ${cell(form)} | ${cell(byDefault)} | ${cell(meaning)} |`)]),
    '', '## Pictures', '',
    ...(Object.keys(pictures).length === 0 ? ['None.'] : Object.values<PictureKind>(pictures).map(({ title, caption, form }) => `- **${title}** (${FORMS[form]}): ${caption}`)),
  ].join('\n');
}

const FORMS: Readonly<Record<PictureKind['form'], string>> = { map: 'over the image', bars: 'a bar a channel', matrix: 'a matrix', boxes: 'boxes' };

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Lines of a table of all methods, with links to their pages. */
export function methodTable(pages: string): string {
  return ['| `method` | paper | family | teacher | numbers |', '| --- | --- | --- | --- | --- |',
    ...Object.values<MethodCard>(METHODS).map(({ id, title, paper, venue, family, teacher, parity, experimental }) =>
      `| [\`${id}\`](${pages}${id}.md) ${title}${experimental === true ? ' (experimental)' : ''} | ${cell(paper)}, ${venue} | ${family} | ${teacher} | ${parity} |`)].join('\n');
}
