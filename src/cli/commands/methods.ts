/** `distill-lab methods`: the table of distillation methods, with their options. */
import { describeSchema, schemasAt } from '../../experiment/jsonSchema.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export async function listMethods({ output }: Surroundings, options: { readonly json: boolean }): Promise<number> {
  const { METHODS } = await import('../../distillers/table.ts');
  const methods = Object.values(METHODS);
  if (options.json) {
    output.line(JSON.stringify(methods.map(({ id, title, paper, venue, family }) => ({ id, title, paper, venue, family }))));
    return EXIT.finished;
  }
  for (const { id, title, venue, paper } of methods) {
    output.line(`${id}: ${title} (${venue}), ${paper}`);
    for (const schema of schemasAt(['distill', 0], { distill: [{ method: id }] })) {
      for (const [key, option] of Object.entries(schema.properties ?? {})) {
        if (key === 'method') continue;
        const byDefault = option.default === undefined ? '' : `, default ${JSON.stringify(option.default)}`;
        output.line(`  ${key}: ${describeSchema(option)}${byDefault}. ${option.description ?? ''}`.trimEnd());
      }
    }
  }
  return EXIT.finished;
}
