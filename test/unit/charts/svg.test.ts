/** Charts as SVG text: what is drawn where, and that nothing but a picture can come of it. */
import { describe, expect, test } from 'vitest';
import { barChartSvg, type BarSeries, type LineChart, lineChartSvg, paletteOf, type Series, sparklineSvg, svgDataUri, type ThemeKind } from '../../../src/charts/index.ts';
import { linePath } from '../../../src/charts/path.ts';
import { linearScale, logScale, niceTicks } from '../../../src/charts/scale.ts';
import { escapeXml } from '../../../src/charts/text.ts';

const size = { width: 420, height: 220 };
const dark = paletteOf('dark');
const same = (value: number): number => value;
const points = (...ys: number[]): { x: number; y: number }[] => ys.map((y, index) => ({ x: 100 * index, y }));
const ap: LineChart = {
  title: 'AP', unit: '%', xTitle: 'step',
  series: [
    { name: 'student', colour: 'student', points: points(10, 30, 43.1), marks: 'circle' },
    { name: 'control', colour: 'control', points: points(8, 25, 37.7), dash: [5, 4] },
  ],
  references: [{ name: 'teacher', colour: 'teacher', value: 45.1 }],
};
/** Elements by name, with their attributes, in order. */
const elements = (svg: string): string[] => [...svg.matchAll(/<(?!\/)[^>]+>/g)].map(([tag]) => tag);

describe('a sparkline', () => {
  test('is a path a series, a line across a reference, and a dot at the last value', () => {
    const svg = sparklineSvg({ series: [{ colour: 'student', points: points(0, 1, 0.5) }, { colour: 'control', points: points(0, 0.5, 0.25), dash: [2, 2] }], references: [{ colour: 'teacher', value: 1 }] }, { width: 43, height: 15 }, dark);
    expect(elements(svg)).toMatchInlineSnapshot(`
      [
        "<svg xmlns="http://www.w3.org/2000/svg" width="43" height="15" viewBox="0 0 43 15" fill="none">",
        "<path d="M0 2.5H43" stroke="#59a4f9" stroke-width="1"/>",
        "<path d="M2 13L21 7.5L40 10.3" stroke="#a6a6a6" stroke-width="1.5" stroke-linejoin="round" stroke-dasharray="2 2"/>",
        "<path d="M2 13L21 2L40 7.5" stroke="#e8923a" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>",
        "<circle cx="40" cy="7.5" r="2" fill="#e8923a"/>",
      ]
    `);
  });

  test('has free room for what is still to come', () => {
    const svg = sparklineSvg({ series: [{ colour: 'student', points: points(1, 2) }], until: 200 }, { width: 43, height: 15 }, dark);
    expect(svg).toContain('<circle cx="21"');
  });

  test('of one value, of equal values and of none is still a picture', () => {
    const spark = (...ys: number[]): string => sparklineSvg({ series: [{ colour: 'student', points: points(...ys) }] }, { width: 40, height: 12 }, dark);
    for (const svg of [spark(0.3), spark(0.3, 0.3), spark(), spark(NaN, NaN)]) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(spark(0.3)).toContain('<circle');
    expect(spark()).not.toContain('<circle');
  });
});

describe('a line chart', () => {
  test('has title, legend, axes, references and lines', () => {
    const svg = lineChartSvg(ap, size, dark);
    expect([...svg.matchAll(/>([^<]+)</g)].map(([, text]) => text)).toMatchInlineSnapshot(`
      [
        "AP",
        "%",
        "student",
        "control",
        "teacher",
        "20",
        "40",
        "0",
        "50",
        "100",
        "150",
        "200",
        "step",
      ]
    `);
    expect(elements(svg).filter((tag) => tag.includes('stroke-linejoin'))).toMatchInlineSnapshot(`
      [
        "<path d="M26.8 175.6L216.4 111.8L406 64.1" fill="none" stroke="#a6a6a6" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="butt" stroke-dasharray="5 4"/>",
        "<path d="M26.8 168.1L216.4 93L406 43.9" fill="none" stroke="#e8923a" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>",
      ]
    `);
    expect(svg).toContain(`stroke="${dark.colours.teacher}" stroke-width="1.2" stroke-dasharray="7 4"`);
  });

  test('grows a row of legend for what does not fit beside the rest', () => {
    const many = (count: number): LineChart => ({ title: 'parts', series: Array.from({ length: count }, (_, index) => ({ name: `a part with a name ${index}`, colour: 'part0', points: points(1, 2) })) });
    const rows = (count: number): number => new Set([...lineChartSvg(many(count), size, dark).matchAll(/y="([\d.]+)" fill="[^"]*">a part/g)].map(([, y]) => y)).size;
    expect([rows(2), rows(3), rows(8)]).toEqual([1, 2, 4]);
  });

  test('keeps a spike of 100,000 points and stays small', () => {
    const long: Series = { name: 'total', colour: 'part0', points: Array.from({ length: 100_000 }, (_, x) => ({ x, y: x === 54_321 ? 9 : 1 })) };
    const svg = lineChartSvg({ title: 't', series: [long] }, size, dark);
    expect(svg.length).toBeLessThan(20_000);
    const path = /d="(M[^"]+)" fill="none" stroke="#b992e0"/.exec(svg)?.[1] ?? '';
    const heights = [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
    expect(Math.min(...heights)).toBeLessThan(Math.max(...heights) - 50);
  });

  test('is broken where a value is missing; a lone value is a dot', () => {
    expect(linePath(points(1, 2, NaN, 4, NaN, 6, 7), same, same)).toBe('M0 1L100 2M300 4h0M500 6L600 7');
  });

  test('shows the spread around a line', () => {
    const svg = lineChartSvg({ title: 'AP', series: [{ name: 'mean', colour: 'student', points: points(1, 2), band: [{ x: 0, low: 0.5, high: 1.5 }, { x: 100, low: 1, high: 3 }] }] }, size, dark);
    expect(elements(svg).filter((tag) => tag.includes('fill-opacity'))).toHaveLength(1);
  });

  test('without values has axes and says nothing false', () => {
    for (const scale of ['linear', 'log'] as const) {
      const svg = lineChartSvg({ title: 'AP', series: [{ name: 'student', colour: 'student', points: [] }], scale }, size, dark);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(elements(svg).filter((tag) => tag.includes('stroke-linejoin'))).toEqual([]);
    }
  });

  test('text from anywhere stays text', () => {
    const hostile = `</text><script>alert(1)</script>&"'\u0000\u0007 x${'y'.repeat(500)}`;
    const svg = lineChartSvg({ title: hostile, unit: hostile, xTitle: hostile, description: hostile, series: [{ name: hostile, colour: 'student', points: points(1, 2) }], references: [{ name: hostile, colour: 'teacher', value: 1 }] }, size, dark);
    expect(svg).not.toContain('<script');
    expect(svg).not.toMatch(/\p{Cc}/u);
    expect(new Set([...svg.matchAll(/<\/?([a-z]+)/gi)].map(([, name]) => name))).toEqual(new Set(['svg', 'text', 'tspan', 'path', 'g']));
    expect(svg).not.toMatch(/ (style|class|href|on\w+)=/);
    expect(escapeXml('a<b>&"\'\uD800\uFFFF')).toBe('a&lt;b&gt;&amp;&quot;&#39;');
  });
});

describe('scales', () => {
  test('ticks stand on round values within', () => {
    expect(niceTicks([0, 1200], 5)).toEqual([0, 500, 1000]);
    expect(niceTicks([7.5, 45.3], 4)).toEqual([10, 20, 30, 40]);
    expect(niceTicks([3, 3], 4)).toEqual([3]);
    expect(niceTicks([-0.02, 0.03], 5)).toEqual([-0.02, -0.01, 0, 0.01, 0.02, 0.03]);
  });

  test('a logarithmic scale has equal room for every decade, and none for 0', () => {
    const scale = logScale([0.01, 100], [0, 400], 4);
    expect([0.01, 0.1, 1, 100].map(scale.at)).toEqual([0, 100, 200, 400]);
    expect(scale.at(0)).toBeNaN();
    expect(scale.ticks).toEqual([0.01, 0.1, 1, 10, 100]);
    expect(logScale([1, 30], [0, 100], 5).ticks).toEqual([1, 2, 5, 10, 20]);
  });

  test('no extent divides by zero', () => {
    expect(linearScale([2, 2], [0, 10], 3).at(2)).toBe(0);
  });
});

describe('colours', () => {
  const kinds: readonly ThemeKind[] = ['light', 'dark', 'highContrast', 'highContrastLight'];
  /** Of the editor and of its hovers in the themes that come with VS Code. */
  const backgrounds: Readonly<Record<ThemeKind, readonly string[]>> = {
    light: ['#ffffff', '#f8f8f8', '#f3f3f3'], dark: ['#1f1f1f', '#1e1e1e', '#202020', '#252526'], highContrast: ['#000000', '#0c141f'], highContrastLight: ['#ffffff'],
  };
  const luminance = (hex: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string): number => {
    const [light, dim] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
    return (light + 0.05) / (dim + 0.05);
  };

  test.each(kinds)('of %s can be told from the background', (kind) => {
    const { background, foreground, muted, colours } = paletteOf(kind);
    expect(backgrounds[kind]).toContain(background);
    const high = kind.startsWith('high');
    for (const behind of backgrounds[kind]) {
      for (const [role, colour] of Object.entries(colours)) expect(contrast(colour, behind), role).toBeGreaterThan(high ? 7 : 4);
      expect(contrast(foreground, behind)).toBeGreaterThan(high ? 7 : 4.5);
      expect(contrast(muted, behind)).toBeGreaterThan(high ? 7 : 4.5);
    }
    expect(new Set(Object.values(colours)).size).toBeGreaterThan(12);
  });
});

test('an address of a picture holds nothing that an editor could misread', () => {
  const uri = svgDataUri(lineChartSvg({ ...ap, title: 'Größe (a) [b] "c"' }, size, dark));
  expect(uri).toMatch(/^data:image\/svg\+xml;base64,[A-Za-z0-9+/=]+$/);
  expect(Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64').toString()).toContain('Größe (a) [b] &quot;c&quot;');
});

describe('a bar chart', () => {
  const bars = (values: readonly (number | undefined)[], name = 'fgd'): BarSeries => ({ name, colour: 'student', values, texts: values.map((value) => (value === undefined ? undefined : value.toFixed(1))) });
  const rects = (svg: string): number[][] => [...svg.matchAll(/<rect x="([\d.-]+)" y="[\d.-]+" width="([\d.]+)" height="\d+" fill="#e8923a"/g)].map(([, x, width]) => [Number(x), Number(width)]).slice(1);

  test('has a bar a value, to the left of nothing what is less, as long as its value', () => {
    const svg = barChartSvg({ title: 'AP by class', unit: 'in %', names: ['person', 'car', 'dog'], series: [bars([2, -1, undefined])] }, 640, dark);
    const [first = [], second = []] = rects(svg);
    expect(rects(svg)).toHaveLength(2);
    expect((first[1] ?? 0) / (second[1] ?? 1)).toBeCloseTo(2, 1);
    expect((second[0] ?? 0) + (second[1] ?? 0)).toBeCloseTo(first[0] ?? 0, 0);
    for (const text of ['person', 'car', 'dog', '2.0', '-1.0', 'AP by class', 'fgd']) expect(svg).toContain(`${text}<`);
  });

  test('keeps everything within the picture, however long names and however many bars', () => {
    const svg = barChartSvg({ title: 'x', names: ['a name that is far too long to be read in one line of a picture', 'b'], series: Array.from({ length: 12 }, (_, index) => bars([index - 6, 100], `run number ${index} with a long name`)), note: '2 of 80 classes' }, 640, dark);
    const [, width = '', height = ''] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    for (const [, x, y] of svg.matchAll(/<(?:rect|text) x="([\d.-]+)" y="([\d.-]+)"/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x)).toBeLessThan(Number(width));
      expect(Number(y)).toBeLessThan(Number(height));
    }
  });

  test('of nothing, or of what is no number, is still a picture; words stay words', () => {
    for (const series of [[], [bars([NaN, Infinity])], [bars([0, 0])], [bars([undefined, undefined])]]) expect(barChartSvg({ title: 'x', names: ['a', 'b'], series }, 640, dark)).not.toMatch(/NaN|Infinity|undefined/);
    const evil = '"/><script>alert(1)</script>';
    expect(barChartSvg({ title: evil, unit: evil, note: evil, names: [evil], series: [bars([1], evil)] }, 640, dark)).not.toContain('<script');
  });
});
