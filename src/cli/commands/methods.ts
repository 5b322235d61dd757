/** `distill-lab methods`: the table of distillation methods; `distill-lab methods fgd`: one with its options. */
import { DistillError } from '../../errors.ts';
import { factsOf } from '../../experiment/methods/facts.ts';
import { type MethodCard } from '../../experiment/methods/index.ts';
import { didYouMean } from '../../experiment/problems.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

/** @throws DistillError DL715 for a method that does not exist */
export async function listMethods({ output }: Surroundings, wanted: string | undefined, options: { readonly json: boolean }): Promise<number> {
  const { METHODS } = await import('../../distillers/table.ts');
  const { methodIds, optionsOf } = await import('../methodDocs.ts');
  const chosen = wanted === undefined ? methodIds : methodIds.filter((id) => id === wanted);
  if (wanted !== undefined && chosen.length === 0) throw unknownMethod(wanted, methodIds);
  if (options.json) {
    output.line(JSON.stringify(chosen.map((id) => {
      const { title, paper, venue, url, family, teacher, shares, detectors, parity, experimental = false }: MethodCard = METHODS[id];
      return { id, title, paper, venue, url, family, teacher, shares, detectors: detectors ?? 'all', parity, experimental, options: optionsOf(id) };
    })));
    return EXIT.finished;
  }
  for (const id of chosen) {
    const card: MethodCard = METHODS[id];
    output.line(`${id}: ${card.title} (${card.venue}), ${card.paper}`);
    for (const [label, text] of factsOf(card)) output.line(`    ${label}: ${text}`);
    if (wanted === undefined) continue;
    for (const { key, form, byDefault, meaning } of optionsOf(id)) output.line(`  ${key}: ${form}${byDefault === '–' ? '' : `, default ${byDefault}`}. ${meaning}`.trimEnd());
  }
  if (wanted === undefined) output.note('Options of one: distill-lab methods <method>');
  return EXIT.finished;
}

function unknownMethod(wanted: string, known: readonly string[]): DistillError {
  const meant = didYouMean(wanted, known);
  return new DistillError('DL715', `There is no method \`${wanted}\`.`, { expected: `one of ${known.join(', ')}`, ...(meant === undefined ? {} : { advice: `Did you mean \`${meant}\`?` }) });
}
