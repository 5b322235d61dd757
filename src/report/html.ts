/** Making HTML by hand: everything that comes from a run goes through `text`, everything embedded through `json`. */
import { createHash } from 'node:crypto';
import { escapeSigns } from '../markup.ts';

export function text(value: string): string {
  return escapeSigns(value).replace(/[\p{Cc}]/gu, (sign) => (sign === '\n' ? sign : ' '));
}

/** JSON for a `<script type="application/json">`: no `<` in it, so no end tag and no comment can begin. */
export function json(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** Our own script, unable to end its element early whatever its string constants hold. */
export function inlineScript(source: string): string {
  return unixLines(source).replace(/<(?=\/script|!--)/gi, '\\x3c');
}

export function inlineStyle(source: string): string {
  return unixLines(source).replaceAll('</', '<\\/');
}

/** The parser turns CR LF into LF before it takes the hash. */
const unixLines = (source: string): string => source.replaceAll('\r\n', '\n');

/** For `script-src` and `style-src`. */
export function contentHash(content: string): string {
  return `'sha256-${createHash('sha256').update(content, 'utf8').digest('base64')}'`;
}

export function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string => row.map((cell, at) => (at === 0 ? `<th scope="row">${text(cell)}</th>` : `<td>${text(cell)}</td>`)).join('');
  return `<div class="table"><table><caption>${text(caption)}</caption><thead><tr>${head.map((cell) => `<th scope="col">${text(cell)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></div>`;
}
