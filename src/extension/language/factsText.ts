/** What is known of a key, in words and Markdown. Pure: the translator is handed in, so that it is tested without VS Code. */
import { type KeyFacts, type MethodFacts } from '../../language/facts.ts';
import { type Translate } from '../words.ts';

/** `a number above 0 · default 0.5 (fcos)`, for the line of a list. */
export function factsLine(t: Translate, { form, default: byDefault, required, idle }: KeyFacts): string {
  const parts = [form];
  if (required) parts.push(t('needed'));
  if (byDefault !== undefined) parts.push(t('default {0}', defaultText(byDefault)));
  if (idle !== undefined) parts.push(t('changes nothing here'));
  return parts.join(' · ');
}

/** @param page address of the page of a method, if it can be opened from here */
export function factsMarkdown(t: Translate, facts: KeyFacts, page: (method: string) => string | undefined): string {
  const { key, meaning, form, unit, default: byDefault, required, idle, method, paper } = facts;
  const rows: string[] = [];
  const row = (label: string, text: string): void => { rows.push(`- **${label}**: ${text}`); };
  row(t('Values'), escaped(form));
  if (unit !== undefined) row(t('Unit'), escaped(unit));
  if (byDefault !== undefined) row(t('Default'), `\`${code(byDefault.text)}\`${byDefault.because === undefined ? '' : ` (${t('for {0}', escaped(byDefault.because))})`}`);
  else row(t('Default'), required ? t('none: it is needed') : t('left out'));
  if (method !== undefined && key === 'method') rows.push(...method.lines.map(([label, text]) => `- **${label}**: ${escaped(text)}`));
  if (paper !== undefined) row(t('Paper'), paperText(paper));
  const docs = method === undefined ? undefined : methodLink(t, method, page(method.id));
  return [`**${escaped(method !== undefined && key !== 'method' ? `${method.title} · ${key}` : key)}**`, meaning, ...(idle === undefined ? [] : [t('It changes nothing here: {0}.', idle)]), rows.join('\n'), ...(docs === undefined ? [] : [docs])]
    .filter((part) => part !== '').join('\n\n');
}

function defaultText({ text, because }: NonNullable<KeyFacts['default']>): string {
  return because === undefined ? text : `${text} (${because})`;
}

function paperText({ title, venue, url }: NonNullable<KeyFacts['paper']>): string {
  const name = `${escaped(title)}, ${escaped(venue)}`;
  return /^https:\/\/[\w./%~-]+$/.test(url) ? `[${name}](${url})` : name;
}

function methodLink(t: Translate, { title }: MethodFacts, page: string | undefined): string | undefined {
  return page === undefined ? undefined : `[${escaped(t('Page of {0}', title))}](${page})`;
}

/** Text of a file may stand in it: nothing of it becomes Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+!|<>~]/g, '\\$&');
}

function code(text: string): string {
  return text.replaceAll('`', '\'');
}
