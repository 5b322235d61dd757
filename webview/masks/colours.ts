/**
 * Colour maps as tables of 256 RGB entries. Sequential maps are interpolated from nine anchors taken at equal distances
 * along the map; the diverging one is made from the theme: its zero is the background, so that "no difference" disappears.
 */
export type Rgb = readonly [number, number, number];
export type SequentialMap = 'viridis' | 'magma' | 'grey';

const ANCHORS: Readonly<Record<SequentialMap, readonly number[]>> = {
  viridis: [0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725],
  magma: [0x000004, 0x1d1147, 0x51127c, 0x832681, 0xb73779, 0xe75263, 0xfc8961, 0xfec488, 0xfcfdbf],
  grey: [0x000000, 0xffffff],
};

/** 256 × RGB, bytes. */
export type ColourTable = Uint8ClampedArray;

export function sequentialTable(name: SequentialMap): ColourTable {
  const anchors = ANCHORS[name].map(rgbOf);
  // Greys are even in lightness, not in code values.
  if (name === 'grey') return table((t) => grey(t));
  return table((t) => between(anchors, t));
}

/** −1 → `negative`, 0 → `background`, +1 → `positive`, in steps that look even. */
export function divergingTable(negative: Rgb, background: Rgb, positive: Rgb): ColourTable {
  const [low, zero, high] = [toOklab(negative), toOklab(background), toOklab(positive)];
  return table((t) => (t < 0.5 ? fromOklab(mixRgb(zero, low, 1 - 2 * t)) : fromOklab(mixRgb(zero, high, 2 * t - 1))));
}

export interface Tables {
  readonly sequential: ColourTable;
  readonly diverging: ColourTable;
}

/** Of a colour map and a theme: made anew when one of them changes, not with every frame. */
export class ColourTables {
  #key = '';
  #tables: Tables | undefined;

  of(name: SequentialMap, { backgroundRgb, differenceEnds }: { readonly backgroundRgb: Rgb; readonly differenceEnds: readonly [Rgb, Rgb] }): Tables {
    const key = JSON.stringify([name, backgroundRgb, differenceEnds]);
    if (this.#tables === undefined || this.#key !== key) this.#tables = { sequential: sequentialTable(name), diverging: divergingTable(differenceEnds[0], backgroundRgb, differenceEnds[1]) };
    this.#key = key;
    return this.#tables;
  }
}

function table(colour: (t: number) => Rgb): ColourTable {
  const out = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i += 1) out.set(colour(i / 255), 3 * i);
  return out;
}

function between(anchors: readonly Rgb[], t: number): Rgb {
  const place = t * (anchors.length - 1);
  const index = Math.min(Math.floor(place), anchors.length - 2);
  return mixRgb(anchors[index] ?? [0, 0, 0], anchors[index + 1] ?? [0, 0, 0], place - index);
}

const rgbOf = (hex: number): Rgb => [(hex >> 16) & 255, (hex >> 8) & 255, hex & 255];

export const mixRgb = (a: Rgb, b: Rgb, t: number): Rgb => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];

/** CIE lightness L* = 100·t as an sRGB grey. */
function grey(t: number): Rgb {
  const L = 100 * t;
  const luminance = L > 8 ? ((L + 16) / 116) ** 3 : L / 903.3;
  const value = encode(luminance);
  return [value, value, value];
}

const decode = (byte: number): number => (byte <= 10.31475 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
const encode = (linear: number): number => 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.max(0, linear) ** (1 / 2.4) - 0.055);

const luminance = ([r, g, b]: Rgb): number => 0.2126 * decode(r) + 0.7152 * decode(g) + 0.0722 * decode(b);

/** As the Web's rules of accessibility count it: 1 is none, 21 black on white. */
export function contrast(a: Rgb, b: Rgb): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}

/** The colour, drawn as little as it takes towards the text's until it stands out from what is behind it. */
export function standingOut(colour: Rgb, background: Rgb, text: Rgb, least: number): Rgb {
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mixRgb(colour, text, share);
    if (contrast(mixed, background) >= least) return mixed;
  }
  return text;
}

/** CIE L* of an sRGB colour, 0…100: what the evenness of a map is measured by. */
export function lightness([r, g, b]: Rgb): number {
  const y = 0.2126 * decode(r) + 0.7152 * decode(g) + 0.0722 * decode(b);
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

/** Björn Ottosson's OKLab (2020): straight lines in it look like even mixtures. */
function toOklab([red, green, blue]: Rgb): Rgb {
  const [r, g, b] = [decode(red), decode(green), decode(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encode(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Range of a mask that its colours span; `clipped` says that the brightest colour means "this or more". */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly clipped: boolean;
}

/**
 * Zero (or the least value) to the greatest. Where single cells tower over the rest, to the 99th percentile:
 * else one bright cell would leave the map dark.
 */
export function scaleOf(values: readonly ArrayLike<number>[], signed: boolean): Scale {
  const all: number[] = [];
  for (const row of values) {
    for (const value of Array.from(row)) if (Number.isFinite(value)) all.push(signed ? Math.abs(value) : value);
  }
  if (all.length === 0) return { low: signed ? -1 : 0, high: 1, clipped: false };
  all.sort((a, b) => a - b);
  const least = all[0] ?? 0;
  const greatest = all.at(-1) ?? 1;
  const most = all[Math.floor(0.99 * (all.length - 1))] ?? greatest;
  // Of a few cells the 99th percentile is no measure.
  const clipped = all.length >= 100 && most > 0 && greatest > 2 * most;
  const high = clipped ? most : greatest;
  if (signed) return { low: -(high || 1), high: high || 1, clipped };
  const low = Math.min(0, least);
  return high > low ? { low, high, clipped } : { low, high: low + 1, clipped: false };
}

/** Where a value's colour begins in a table. */
export function entryOf(value: number, { low, high }: Scale): number {
  return 3 * Math.max(0, Math.min(255, Math.round(((value - low) * 255) / (high - low))));
}

/** Paints values into RGBA pixels, missing ones transparent. */
export function paint(values: ArrayLike<number>, scale: Scale, colours: ColourTable, pixels: Uint8ClampedArray): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) continue;
    const entry = entryOf(value, scale);
    pixels[4 * i] = colours[entry] ?? 0;
    pixels[4 * i + 1] = colours[entry + 1] ?? 0;
    pixels[4 * i + 2] = colours[entry + 2] ?? 0;
    pixels[4 * i + 3] = 255;
  }
}
