/**
 * Colours of pictures that are drawn outside a page: an SVG in a data URI cannot read the theme's tokens, so there is a
 * palette for each kind of theme, with its contrast held against the backgrounds of the built-in themes of that kind.
 * The roles are those of the panel; its own theme has the same shape and can be handed in instead.
 */
import { type ColourRole } from '../../webview/colourRole.ts';

export type ThemeKind = 'light' | 'dark' | 'highContrast' | 'highContrastLight';

export interface Palette {
  readonly background: string;
  readonly foreground: string;
  /** Of axis labels. */
  readonly muted: string;
  readonly grid: string;
  readonly colours: Readonly<Record<ColourRole, string>>;
  readonly font?: string;
}

const roles = (teacher: string, student: string, control: string, truth: string, foreground: string, parts: readonly string[]): Palette['colours'] => {
  const part = (index: number): string => parts[index] ?? foreground;
  return {
    teacher, student, control, truth, foreground,
    part0: part(0), part1: part(1), part2: part(2), part3: part(3), part4: part(4), part5: part(5), part6: part(6), part7: part(7), part8: part(8), part9: part(9),
  };
};

const PALETTES: Readonly<Record<ThemeKind, Palette>> = {
  light: {
    background: '#ffffff', foreground: '#3b3b3b', muted: '#616161', grid: '#e5e5e5',
    colours: roles('#0f68cf', '#b35300', '#6b6b6b', '#2b7a30', '#3b3b3b', ['#7a3ea8', '#866500', '#0b7a75', '#c62828', '#a8327a', '#5a7311', '#7f5f9e', '#4a55c4', '#367684', '#707070']),
  },
  dark: {
    background: '#1f1f1f', foreground: '#cccccc', muted: '#9d9d9d', grid: '#3a3a3a',
    colours: roles('#59a4f9', '#e8923a', '#a6a6a6', '#89d185', '#cccccc', ['#b992e0', '#d7ba3c', '#4fc1b0', '#f16c6c', '#e07ab8', '#a9c95a', '#c9b6e0', '#8f9bf2', '#9fdcd0', '#929292']),
  },
  highContrast: {
    background: '#000000', foreground: '#ffffff', muted: '#ffffff', grid: '#5a5a5a',
    colours: roles('#6fb8ff', '#ffa64d', '#d0d0d0', '#7ee787', '#ffffff', ['#d2a8ff', '#f2d64b', '#56d4c4', '#ff8f8f', '#ff9bd2', '#c3e66b', '#e2d4f7', '#adb6ff', '#b5f0e4', '#c0c0c0']),
  },
  highContrastLight: {
    background: '#ffffff', foreground: '#292929', muted: '#292929', grid: '#b8b8b8',
    colours: roles('#0a4fa8', '#8a3b00', '#4a4a4a', '#1b5e20', '#292929', ['#5b2687', '#5e4700', '#075652', '#9b1313', '#842060', '#3f530b', '#5d4279', '#353fa6', '#245561', '#4f4f4f']),
  },
};

export function paletteOf(kind: ThemeKind): Palette {
  return PALETTES[kind];
}
