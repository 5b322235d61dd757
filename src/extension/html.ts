/** The panel's page: a shell with a strict content security policy. All content comes by messages. */
import { randomBytes } from 'node:crypto';
import { escapeSigns } from '../markup.ts';

export interface PageParts {
  /** `webview.cspSource`. */
  readonly cspSource: string;
  /** Webview addresses of `dist/webview.js` and `dist/webview.css`. */
  readonly script: string;
  readonly style: string;
  readonly nonce: string;
  readonly language: string;
  readonly title: string;
  /** Translations of the page's words: `vscode.l10n.bundle`; none in English. */
  readonly words?: Readonly<Record<string, string>> | undefined;
}

/** 128 random bits in hexadecimal: new for every page. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

/**
 * Only the bundled script runs (by nonce), only the bundled style sheet applies, and nothing is fetched:
 * run data arrives as messages, pictures as bytes that the page turns into blobs.
 */
export function contentSecurityPolicy(cspSource: string, nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `img-src ${cspSource} data: blob:`,
    `font-src ${cspSource}`,
  ].join('; ');
}

export function pageHtml(parts: PageParts): string {
  return `<!DOCTYPE html>
<html lang="${escapeSigns(parts.language)}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${escapeSigns(contentSecurityPolicy(parts.cspSource, parts.nonce))}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escapeSigns(parts.title)}</title>
  <link rel="stylesheet" href="${escapeSigns(parts.style)}">
</head>
<body>
  <div id="panel"></div>${wordsElement(parts.words)}
  <script nonce="${escapeSigns(parts.nonce)}" src="${escapeSigns(parts.script)}"></script>
</body>
</html>
`;
}

/** A page that only says something: it needs neither script nor style sheet, the editor's own fonts and colours are there. */
export function wordsHtml({ language, title, sentence }: Pick<PageParts, 'language' | 'title'> & { readonly sentence: string }): string {
  return `<!DOCTYPE html>
<html lang="${escapeSigns(language)}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'">
  <title>${escapeSigns(title)}</title>
</head>
<body>
  <main class="page"><p role="heading" aria-level="1"><strong>${escapeSigns(title)}</strong></p><p>${escapeSigns(sentence)}</p></main>
</body>
</html>
`;
}

/** Data, not a script: nothing in it is run. No `<` is left that could end the element. */
function wordsElement(words: PageParts['words']): string {
  return words === undefined ? '' : `\n  <script type="application/json" id="words">${JSON.stringify(words).replaceAll('<', '\\u003c')}</script>`;
}
