/** A mark for the gutter: a cross in a ring. Its form says it without its colour, and no breakpoint looks like it. */
import { type ThemeKind } from './palette.ts';

const RED: Readonly<Record<ThemeKind, string>> = { light: '#c72e0f', dark: '#f48771', highContrast: '#ff8f8f', highContrastLight: '#b5200d' };

export function failureMarkSvg(kind: ThemeKind): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="${RED[kind]}" stroke-width="1.5" stroke-linecap="round"><circle cx="8" cy="8" r="5.5"/><path d="M6 6l4 4M10 6l-4 4"/></svg>`;
}
