/** Text from anywhere made fit to stand in an SVG. */
import { clip } from '../../webview/format.ts';
import { escapeSigns } from '../markup.ts';

/** For text nodes and quoted attributes alike; what XML does not allow at all (control characters, lone surrogates) is left out. */
export function escapeXml(text: string): string {
  return escapeSigns(text.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, ''));
}

/** One bounded line of it, escaped. */
export function label(text: string, length = 60): string {
  return escapeXml(clip(text, length));
}

/** About how wide a text will be drawn: nothing can be measured here. Errs on the wide side. */
export function textWidth(text: string, fontSize: number): number {
  let em = 0;
  for (const sign of text) em += /[\s.,:;'|!ijl()[\]]/.test(sign) ? 0.34 : /[A-ZMWmw%]/.test(sign) ? 0.76 : (sign.codePointAt(0) ?? 0) > 0x2e80 ? 1 : 0.58;
  return em * fontSize;
}
