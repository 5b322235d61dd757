/**
 * Words in the editor's language. The extension puts the translations that it was given into the page; without them (English,
 * a report, tests, the writer of reports) every text stands for itself. `l10n/bundle.l10n.json` lists all of them: texts are
 * literals in the first argument, so that `scripts/l10n.mjs` finds them.
 */

/** The element that holds the translations as JSON. */
export const WORDS_ELEMENT = 'words';

// Read once, before any module that makes a constant of a text.
const translations = readTranslations();

/** As much of a page as is needed: this module is also read where there is none. */
interface Page {
  getElementById(id: string): { readonly textContent: string | null } | null;
}

function readTranslations(): ReadonlyMap<string, string> {
  const { document } = globalThis as unknown as { readonly document?: Page };
  if (document === undefined) return new Map();
  try {
    const found: unknown = JSON.parse(document.getElementById(WORDS_ELEMENT)?.textContent ?? '{}');
    if (typeof found !== 'object' || found === null) return new Map();
    return new Map(Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

/** @param values take the places of `{0}`, `{1}`, … */
export function t(message: string, ...values: readonly (string | number)[]): string {
  const text = translations.get(message) ?? message;
  return values.length === 0 ? text : text.replace(/\{(\d+)\}/g, (place, index: string) => String(values[Number(index)] ?? place));
}
