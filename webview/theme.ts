/** The editor's colours and fonts as the canvas needs them, read from the `--vscode-*` variables, and again when they change. */
import { type ColourRole } from './colourRole.ts';
import { type Rgb, mixRgb, standingOut } from './masks/colours.ts';

export type { ColourRole } from './colourRole.ts';

export interface Theme {
  readonly dark: boolean;
  readonly highContrast: boolean;
  readonly background: string;
  readonly backgroundRgb: Rgb;
  readonly foreground: string;
  readonly muted: string;
  readonly grid: string;
  readonly font: string;
  readonly fontSize: number;
  readonly colours: Readonly<Record<ColourRole, string>>;
  readonly differenceEnds: readonly [Rgb, Rgb];
}

const DARK = { background: '#1f1f1f', foreground: '#cccccc', muted: '#9d9d9d', red: '#f14c4c', blue: '#59a4f9', yellow: '#cca700', orange: '#d18616', green: '#89d185', purple: '#b180d7' };
const LIGHT = { background: '#ffffff', foreground: '#3b3b3b', muted: '#616161', red: '#e51400', blue: '#1a85ff', yellow: '#bf8803', orange: '#d18616', green: '#388a34', purple: '#652d90' };

/** Of a line against the page: the Web's rules of accessibility ask for 3 of graphics; the rest is for rounding. */
const LEAST_CONTRAST = 3.05;

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const pen = document.createElement('canvas').getContext('2d');
  const read = (token: string): string => style.getPropertyValue(`--vscode-${token}`).trim();
  const colour = (token: string, otherwise: Rgb): Rgb => parse(pen, read(token)) ?? otherwise;
  const backgroundRgb = colour('editor-background', hex(DARK.background));
  const dark = brightness(backgroundRgb) < 128;
  const base = dark ? DARK : LIGHT;
  const kind = `${document.body.className} ${document.body.dataset.vscodeThemeKind ?? ''}`;
  const forced = typeof matchMedia === 'function' && matchMedia('(prefers-contrast: more)').matches;
  const highContrast = kind.includes('high-contrast') || forced;
  const foregroundRgb = colour('editor-foreground', colour('foreground', hex(base.foreground)));
  const muted = highContrast ? foregroundRgb : colour('descriptionForeground', hex(base.muted));
  const chart = (name: 'red' | 'blue' | 'yellow' | 'orange' | 'green' | 'purple'): Rgb => colour(`charts-${name}`, hex(base[name]));
  const [blue, themed, green, purple, yellow, red] = [chart('blue'), chart('orange'), chart('green'), chart('purple'), chart('yellow'), chart('red')];
  // Some themes (Light High Contrast) have a blue under the name of orange: student and teacher, less and more, would look alike.
  const orange = themed[0] > themed[2] ? themed : hex(LIGHT.orange);
  // What tells who is who: no theme may hide it. Light themes have an orange and a yellow that nearly do.
  const role = (given: Rgb): string => css(standingOut(given, backgroundRgb, foregroundRgb, LEAST_CONTRAST));
  const size = Number.parseFloat(read('font-size'));
  return {
    dark, highContrast, backgroundRgb,
    background: css(backgroundRgb), foreground: css(foregroundRgb), muted: css(muted),
    grid: css(mixRgb(backgroundRgb, foregroundRgb, highContrast ? 0.35 : 0.11)),
    font: read('font-family') || 'system-ui, sans-serif',
    fontSize: Number.isFinite(size) && size >= 8 && size <= 30 ? Math.max(10, size - 2) : 11,
    colours: {
      teacher: role(blue), student: role(orange), control: role(muted), truth: role(green), foreground: role(foregroundRgb),
      // Blue, orange, green and grey mean somebody; parts take what is left and what lies between.
      part0: role(purple), part1: role(yellow), part2: role(mixRgb(blue, green, 0.55)), part3: role(red), part4: role(mixRgb(purple, red, 0.6)), part5: role(mixRgb(yellow, green, 0.5)),
      part6: role(mixRgb(purple, foregroundRgb, 0.55)), part7: role(mixRgb(purple, blue, 0.5)), part8: role(mixRgb(mixRgb(blue, green, 0.55), foregroundRgb, 0.55)), part9: role(mixRgb(foregroundRgb, backgroundRgb, 0.4)),
    },
    differenceEnds: [blue, orange],
  };
}

/** Calls back when the editor's theme, its fonts or the system's preference change. */
export function watchTheme(changed: () => void): void {
  const observer = new MutationObserver(changed);
  for (const node of [document.body, document.documentElement]) observer.observe(node, { attributes: true, attributeFilter: ['class', 'style', 'data-vscode-theme-kind', 'data-vscode-theme-id'] });
  for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)']) matchMedia(query).addEventListener('change', changed);
}

/** Any CSS colour as RGB: the canvas normalises it to `#rrggbb` or `rgba(…)`. */
function parse(pen: CanvasRenderingContext2D | null, text: string): Rgb | undefined {
  if (pen === null || text === '') return undefined;
  pen.fillStyle = '#010203';
  pen.fillStyle = text;
  const result = pen.fillStyle;
  if (result === '#010203') return undefined;
  if (result.startsWith('#')) return hex(result);
  const numbers = result.match(/[\d.]+/g)?.map(Number) ?? [];
  const [r, g, b] = numbers;
  return r === undefined || g === undefined || b === undefined ? undefined : [r, g, b];
}

const hex = (text: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)) as unknown as Rgb;
const css = ([r, g, b]: Rgb): string => `rgb(${Math.round(r)}, ${Math.round(g)}, ${Math.round(b)})`;
const brightness = ([r, g, b]: Rgb): number => 0.299 * r + 0.587 * g + 0.114 * b;

/** `rgb(…)` of this module with an alpha. */
export const faint = (colour: string, alpha: number): string => colour.replace('rgb(', 'rgba(').replace(')', `, ${alpha})`);
