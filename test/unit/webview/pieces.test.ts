import { describe, expect, it } from 'vitest';
import { type PictureIndex } from '../../../src/experiment/record.ts';
import { Column, indexAt } from '../../../webview/columns.ts';
import { bucketMeans, minMax } from '../../../webview/curves/decimate.ts';
import { Smoother } from '../../../webview/curves/smooth.ts';
import { clip, formatAp, formatCount, formatDuration, formatGain, formatTick, formatValue, spaced } from '../../../webview/format.ts';
import { without } from '../../../webview/looks.ts';
import { divergingTable, lightness, paint, scaleOf, sequentialTable } from '../../../webview/masks/colours.ts';
import { WHOLE, cellAt, cellSize, place, within, zoomAt } from '../../../webview/masks/geometry.ts';
import { type Look, boxLayer, maskLayer, matrixSize, spotAt, spotText } from '../../../webview/masks/layers.ts';
import { ALL_LEVELS, type PaneContent, choicesOf, levelsOf, panesOf } from '../../../webview/masks/selection.ts';
import { boxAt, nextRow, valuedBoxes } from '../../../webview/masks/valued.ts';
import { type ViewState, freshState, restoreState, savable } from '../../../webview/state.ts';
import { fakeRecording } from '../../support/fakeRun.ts';

describe('numbers and times', () => {
  it.each([[1.23456, '1.23'], [0.5, '0.500'], [1234.5, '1235'], [-0.0330, '−0.0330'], [0, '0'], [0.00012345, '1.23e−4'], [1.5e7, '1.50e7'], [NaN, '–'], [undefined, '–'], [Infinity, '∞'], [999.7, '1000']])('writes %s as %s', (value, text) => { expect(formatValue(value)).toBe(text); });
  it.each([[0.4, 'under 1 s'], [20.2, '20 s'], [180, '3 min'], [3600 * 1.5, '1 h 30 min'], [7200, '2 h'], [3600 * 72, '3 days'], [NaN, '–'], [7199, '2 h']])('says %s seconds as %s', (seconds, text) => { expect(formatDuration(seconds)).toBe(text); });
  it('writes AP in per cent, gains with a sign, counts with commas', () => {
    expect([formatAp(0.4312), formatAp(-1), formatAp(undefined), formatGain(0.054), formatGain(-0.02), formatCount(1500), formatCount(1234567), formatTick(12000), formatTick(0.0001)]).toEqual(['43.1', '–', '–', '+5.4', '−2.0', '1,500', '1,234,567', '12k', '1e−4']);
  });
  it('makes foreign words one bounded line', () => {
    expect(clip('a\nb\u0000c\u2028d')).toBe('a b c d');
    expect(clip('x'.repeat(1000), 10)).toHaveLength(10);
    expect(spaced('spatialAttention_map')).toBe('spatial attention map');
  });
});

describe('columns', () => {
  it('grow, truncate and are searched', () => {
    const column = new Column();
    for (let i = 0; i < 1000; i += 1) column.push(2 * i);
    expect([column.length, column.last, column.at(-1), column.at(1000)]).toEqual([1000, 1998, NaN, NaN]);
    expect([indexAt(column.view(), -1), indexAt(column.view(), 0), indexAt(column.view(), 7), indexAt(column.view(), 1e9)]).toEqual([-1, 0, 3, 999]);
    column.truncate(2);
    column.push(9);
    expect([...column.view()]).toEqual([0, 2, 9]);
  });
});

describe('decimation', () => {
  const xs = Float64Array.from({ length: 100_000 }, (_, i) => i);
  const ys = Float64Array.from(xs, (x) => Math.sin(x / 5000) + (x === 43_210 ? 50 : 0) - (x === 77_777 ? 50 : 0));

  it('keeps every spike and the ends, in order', () => {
    const points = minMax(xs, ys, [0, 100_000], 300);
    expect(points.length).toBeLessThanOrEqual(900);
    expect(points.some((point) => point.x === 43_210)).toBe(true);
    expect(points.some((point) => point.x === 77_777)).toBe(true);
    expect([points[0]?.x, points.at(-1)?.x]).toEqual([0, 99_999]);
    expect(points.every((point, i) => i === 0 || point.x > (points[i - 1]?.x ?? Infinity))).toBe(true);
  });
  it('shows on zooming in what the overview had dropped', () => {
    const seen = new Set(minMax(xs, ys, [0, 100_000], 300).map((point) => point.x));
    const close = minMax(xs, ys, [50_000, 50_100], 300);
    expect(close.map((point) => point.x)).toEqual(Array.from({ length: 102 }, (_, i) => 50_000 + i));
    expect(close.filter((point) => !seen.has(point.x)).length).toBeGreaterThan(90);
  });
  it('breaks the line where it is told to, and over missing values', () => {
    const points = minMax([1, 2, 3, 4], [1, 2, 3, 4], [0, 5], 100, [2]);
    expect(points.map((point) => point.y)).toEqual([1, 2, NaN, 3, 4]);
    const holes = minMax(xs, Float64Array.from(ys, (y, i) => (i > 30_000 && i < 40_000 ? NaN : y)), [0, 100_000], 100);
    expect(holes.some((point) => Number.isNaN(point.y) && point.x > 30_000 && point.x < 40_000)).toBe(true);
  });
  it('finds the same from the sums of a column as from its values, while it grows and after a cut', () => {
    const column = new Column();
    const same = (): void => {
      const length = column.length;
      const places = Array.from({ length }, (_, i) => i);
      for (const [from, to, buckets] of [[0, length, 100], [777, 50_003, 333], [length - 40, length, 7]] as const) {
        expect(minMax(places, column, [from, to], buckets, [1234])).toEqual(minMax(places, column.view(), [from, to], buckets, [1234]));
        const [summed, direct] = [column, column.view()].map((row) => bucketMeans(places, [row], [from, to], buckets).rows[0] ?? []);
        summed?.forEach((value, i) => { expect(value).toBeCloseTo(direct?.[i] ?? NaN, 9); });
      }
    };
    for (const length of [5, 40, 4097, 90_000]) {
      while (column.length < length) column.push(column.length % 97 < 3 || (column.length > 60_000 && column.length < 61_000) ? NaN : (ys[column.length] ?? NaN));
      same();
    }
    column.truncate(50_001);
    for (let i = 0; i < 3000; i += 1) column.push(-i);
    same();
  });
  it('keeps its points where they were while the line grows', () => {
    const before = minMax(xs.subarray(0, 99_000), ys.subarray(0, 99_000), [0, 99_000], 200);
    const after = new Set(minMax(xs, ys, [0, 100_000], 200).map((point) => point.x));
    expect(before.filter((point) => !after.has(point.x)).length).toBeLessThan(6);
  });
  it('copes with nothing and with one sample', () => {
    expect(minMax([], [], [0, 1], 10)).toEqual([]);
    expect(minMax([3], [7], [0, 10], 10)).toEqual([{ x: 3, y: 7 }]);
  });
  it('means over common buckets, missing values left out', () => {
    const out = bucketMeans([0, 1, 2, 3], [[1, 3, 5, 7], [NaN, 2, NaN, NaN]], [0, 3], 2);
    expect(out.rows).toEqual([[2, 6], [2, 0]]);
    expect(out.xs).toEqual([0, 3]);
  });
});

describe('smoothing', () => {
  it('has no bias towards its start and grows with the data', () => {
    const smoother = new Smoother();
    for (const value of smoother.update([4, 4], 0.9, 0).view()) expect(value).toBeCloseTo(4);
    const grown = [...smoother.update([4, 4, 8], 0.9, 0).view()];
    expect(grown[2]).toBeCloseTo((0.81 * 4 + 0.9 * 4 + 8) / (0.81 + 0.9 + 1));
    expect([...smoother.update([1, NaN, 1], 0.5, 1).view()]).toEqual([1, NaN, 1]);
    expect([...new Smoother().update([1, 5, 2], 0, 0).view()]).toEqual([1, 5, 2]);
  });
});

describe('colour maps', () => {
  it.each(['viridis', 'magma', 'grey'] as const)('%s grows evenly in lightness', (name) => {
    const table = sequentialTable(name);
    const L = Array.from({ length: 256 }, (_, i) => lightness([table[3 * i] ?? 0, table[3 * i + 1] ?? 0, table[3 * i + 2] ?? 0]));
    expect(L.every((value, i) => i === 0 || value >= (L[i - 1] ?? 0) - 0.2)).toBe(true);
    const slope = ((L[255] ?? 0) - (L[0] ?? 0)) / 255;
    for (let i = 0; i + 32 < 256; i += 16) expect(((L[i + 32] ?? 0) - (L[i] ?? 0)) / 32 / slope).toBeGreaterThan(0.6);
  });
  it('differences vanish into the background at zero', () => {
    const table = divergingTable([26, 133, 255], [31, 31, 31], [209, 134, 22]);
    expect([...table.slice(0, 3)]).toEqual([26, 133, 255]);
    expect([...table.slice(-3)]).toEqual([209, 134, 22]);
    for (const value of table.slice(3 * 127, 3 * 129)) expect(Math.abs(value - 31)).toBeLessThanOrEqual(3);
  });
  it('span the values, and say so when single cells tower over them', () => {
    expect(scaleOf([[0.2, 1], [3]], false)).toEqual({ low: 0, high: 3, clipped: false });
    expect(scaleOf([[-2, 1]], true)).toEqual({ low: -2, high: 2, clipped: false });
    expect(scaleOf([[-1, 1]], false).low).toBe(-1);
    const tall = [...Array.from({ length: 500 }, (_, i) => i / 500), 900];
    expect(scaleOf([tall], false).clipped).toBe(true);
    expect(scaleOf([tall], false).high).toBeLessThan(1.01);
    expect(scaleOf([[0, 0]], false).high).toBe(1);
    expect(scaleOf([[NaN, Infinity]], false)).toEqual({ low: 0, high: 1, clipped: false });
  });
  it('leave missing values transparent', () => {
    const pixels = new Uint8ClampedArray(8);
    paint([NaN, 1], { low: 0, high: 1, clipped: false }, sequentialTable('grey'), pixels);
    expect([...pixels]).toEqual([0, 0, 0, 0, 255, 255, 255, 255]);
  });
});

describe('geometry of the panes', () => {
  it('places the image in the middle and zooms about a point', () => {
    expect(place({ width: 100, height: 50 }, { width: 200, height: 200 }, WHOLE)).toEqual({ scale: 2, left: 0, top: 50 });
    const near = zoomAt(WHOLE, 2, { x: 0.25, y: 0.25 });
    expect(near).toEqual({ scale: 2, x: 0.375, y: 0.375 });
    expect(zoomAt(near, 0.01, { x: 0, y: 0 })).toEqual(WHOLE);
    expect(within({ scale: 4, x: -3, y: 9 })).toEqual({ scale: 4, x: 0.125, y: 0.875 });
  });
  it('maps cells to image pixels, padded or shrunk', () => {
    expect(cellSize({ width: 128, height: 128 }, [16, 16], 8)).toBe(8);
    expect(cellSize({ width: 100, height: 128 }, [16, 16], 8)).toBe(8);
    expect(cellSize({ width: 640, height: 480 }, [16, 16], 8)).toBe(40);
    expect(cellAt({ x: 17, y: 3 }, 8, [16, 16])).toEqual({ row: 0, column: 2 });
    expect(cellAt({ x: -1, y: 3 }, 8, [16, 16])).toBeUndefined();
    expect(cellAt({ x: 128, y: 3 }, 8, [16, 16])).toBeUndefined();
  });
});

describe('choice of masks', () => {
  const { index, values } = fakeRecording({ methods: ['fgd', 'pfi'], images: 2 }, 500);

  it('puts kinds that stand alone side by side and offers the rest one by one', () => {
    expect(choicesOf(index).map((choice) => [choice.key, choice.form])).toEqual([
      ['fgd/spatialAttention', 'map'], ['fgd/channelAttention', 'bars'], ['fgd/foreground+background', 'map'], ['pfi/prediction+feature+product', 'map'],
    ]);
  });
  it('lists levels from fine to coarse and panes from teacher to difference', () => {
    const [spatial, channels, , pfi] = choicesOf(index);
    if (spatial === undefined || channels === undefined || pfi === undefined) throw new Error('choices are missing');
    expect(levelsOf(index, spatial).map((level) => level.name)).toEqual(['P3', 'P4', 'P5']);
    const panes = panesOf(index, values, spatial, 'P4', 1);
    expect(panes.map((pane) => [pane.title, pane.shape, pane.signed])).toEqual([['Teacher', [8, 8], false], ['Student', [8, 8], false], ['Difference', [8, 8], true]]);
    expect(panes[2]?.values[5]).toBeCloseTo((panes[1]?.values[5] ?? 0) - (panes[0]?.values[5] ?? 0), 5);
    const same: PictureIndex = { ...index, masks: index.masks.map((mask) => ({ ...mask, caption: 'Where the network looks.' })) };
    expect(panesOf(same, values, spatial, 'P4', 1).map((pane) => pane.caption)).toEqual(['Where the network looks.', 'The same for the student.', expect.stringContaining('Student less teacher')]);
    expect(panesOf(index, values, channels, 'P3', 0).map((pane) => pane.role)).toEqual(['teacher', 'student', 'difference']);
    expect(panesOf(index, values, pfi, 'P3', 0).map((pane) => pane.title)).toEqual(['Prediction difference', 'Feature difference', 'Product']);
  });
  it('offers matrices and boxes one by one, beside no levels', () => {
    const { index: other, values: numbers } = fakeRecording({ methods: ['fgd', 'rm', 'dsig'], images: 1 }, 500);
    const [boxes, relations] = (['boxes', 'matrix'] as const).map((form) => choicesOf(other).find((choice) => choice.form === form));
    if (boxes === undefined || relations === undefined) throw new Error('choices are missing');
    expect(levelsOf(other, relations)).toEqual([{ name: ALL_LEVELS, stride: 1 }]);
    expect(panesOf(other, numbers, boxes, ALL_LEVELS, 0).map((pane) => [pane.title, pane.form])).toEqual([['Teacher', 'boxes'], ['Student', 'boxes']]);
    const panes = panesOf(other, numbers, relations, ALL_LEVELS, 0);
    expect(panes.map((pane) => [pane.title, pane.shape, pane.signed])).toEqual([['Teacher', [3, 4], false], ['Student', [3, 4], false], ['Difference', [3, 4], true]]);
    const levels: PictureIndex = { ...other, masks: other.masks.map((mask, i) => ({ ...mask, method: 'x', kind: 'k', form: 'matrix', level: i === 0 ? ALL_LEVELS : mask.level })) };
    expect(levelsOf(levels, { ...relations, method: 'x', kinds: ['k'] }).map(({ name }) => name)).toEqual(['P3', 'P4', 'P5', ALL_LEVELS]);
    const torn: PictureIndex = { ...other, masks: other.masks.map((mask) => ({ ...mask, shape: mask.form === 'boxes' ? [6, 4] : [12] })) };
    expect([boxes, relations].flatMap((choice) => panesOf(torn, numbers, choice, ALL_LEVELS, 0))).toEqual([]);
  });
  it('leaves out what lies outside the values', () => {
    const bad: PictureIndex = { ...index, masks: index.masks.map((mask, i) => ({ ...mask, offset: i % 2 === 0 ? 1e9 : -5, shape: i % 3 === 0 ? [1e9, 1e9] : mask.shape })) };
    const [choice] = choicesOf(bad);
    expect(choice === undefined ? [] : panesOf(bad, values, choice, 'P3', 0)).toEqual([]);
  });
});

describe('boxes with values', () => {
  const rows = (...boxes: number[][]): PaneContent => ({
    title: 'Teacher', form: 'boxes', role: 'teacher', signed: false, caption: '', stride: 1, shape: [boxes.length, 5], values: Float32Array.from(boxes.flat()),
  });
  const outer = [0, 0, 100, 80, 0.5];
  const inner = [20, 20, 40, 40, 0.75];
  const teacher = rows(outer, [5, 5, 5, 9, 0.9], inner, [1, 1, 9, 9, NaN]);
  const student: PaneContent = { ...rows(outer.with(4, 0.25), inner.with(4, 3)), role: 'student' };
  const colours = sequentialTable('viridis');
  const look: Look = { sameScale: true, opacity: 0.5, sequential: colours, diverging: colours };

  it('are those with an area and a value, and keep their rows', () => {
    expect(valuedBoxes(teacher).map(({ row, value }) => [row, value])).toEqual([[0, 0.5], [2, 0.75]]);
  });
  it('are found by the pointer, the inner before the outer, and by rows', () => {
    const boxes = valuedBoxes(teacher);
    expect([boxAt(boxes, { x: 30, y: 30 })?.row, boxAt(boxes, { x: 90, y: 30 })?.row, boxAt(boxes, { x: 120, y: 30 })]).toEqual([2, 0, undefined]);
    const lists = [boxes, valuedBoxes(student)];
    expect([nextRow(lists, undefined, 1), nextRow(lists, 0, 1), nextRow(lists, 2, 1), nextRow(lists, 2, -1), nextRow(lists, undefined, -1), nextRow([], undefined, 1)]).toEqual([0, 1, 2, 1, 2, undefined]);
  });
  it('share a scale of their values, not of their corners', () => {
    const layers = [teacher, student].map((pane) => boxLayer(pane, [teacher, student], look, { at: 'row', row: 0 }));
    expect(layers.map(({ scale }) => [scale.low, scale.high])).toEqual([[0, 3], [0, 3]]);
    expect(layers.map(({ chosen }) => chosen?.value)).toEqual([0.5, 0.25]);
    expect(boxLayer(teacher, [teacher, student], { ...look, sameScale: false }, undefined)).toMatchObject({ scale: { low: 0, high: 0.75 }, chosen: undefined });
    expect([spotText({ at: 'row', row: 2 }, teacher, 'boxes'), spotText({ at: 'point', x: 90, y: 10 }, teacher, 'boxes'), spotText({ at: 'row', row: 1 }, teacher, 'boxes'), spotText({ at: 'row', row: 1 }, undefined, 'boxes')])
      .toEqual(['box 3: 0.750', 'box 1: 0.500', '', '']);
  });
  it('and matrices are pointed at in their own measure', () => {
    const matrix: PaneContent = { ...teacher, form: 'matrix', shape: [2, 3], stride: 8, values: Float32Array.from([1, 2, 3, 4, 5, 6]) };
    const [image, map] = [{ width: 64, height: 64 }, { ...matrix, form: 'map' as const }];
    expect(matrixSize(matrix)).toEqual({ width: 3, height: 2 });
    expect(spotAt({ x: 2.5, y: 1.5 }, 'matrix', image, matrix, true)).toEqual({ at: 'cell', cell: { row: 1, column: 2 } });
    expect([spotAt({ x: 2.5, y: 2.5 }, 'matrix', image, matrix, true), spotAt({ x: 2.5, y: 1.5 }, 'matrix', image, matrix, false), spotAt({ x: 65, y: 2 }, 'boxes', image, undefined, false)]).toEqual([undefined, undefined, undefined]);
    expect(spotAt({ x: 10, y: 10 }, 'boxes', image, undefined, false)).toEqual({ at: 'point', x: 10, y: 10 });
    expect(spotAt({ x: 20, y: 10 }, 'map', { width: 24, height: 16 }, map, false)).toEqual({ at: 'cell', cell: { row: 1, column: 2 } });
    const cell = { at: 'cell', cell: { row: 1, column: 2 } } as const;
    expect([spotText(cell, matrix, 'matrix'), spotText(cell, undefined, 'matrix'), spotText(cell, map, 'map'), spotText(cell, undefined, 'map'), spotText(undefined, map, 'map')])
      .toEqual(['row 2, column 3: 6.00', '', '6.00', 'row 2, column 3', '']);
    expect(maskLayer(matrix, [matrix], look)).toMatchObject({ stride: 1, opacity: 1 });
    expect(maskLayer(map, [map], look)).toMatchObject({ stride: 8, opacity: 0.5 });
  });
});

describe('kept state', () => {
  it('comes back for the same run only, and only where it makes sense', () => {
    const kept = { ...freshState('a'), smoothing: 0.5, zoom: [3, 9] as const, mask: 'fgd/x', hidden: ['total/student'] };
    expect(restoreState(JSON.parse(JSON.stringify(kept)), 'a')).toEqual(kept);
    expect(restoreState(kept, 'b')).toEqual(freshState('b'));
    expect(restoreState({ runId: 'a', smoothing: 7, axis: 'x', zoom: [9, 3], hidden: [1, {}], boxes: 4, opacity: 'no', colours: '__proto__' }, 'a')).toEqual(freshState('a'));
    for (const strange of [undefined, null, 4, 'text', []]) expect(restoreState(strange, 'a')).toEqual(freshState('a'));
  });
  it('stays under 2 KB whatever names the run has', () => {
    const state = { ...freshState('a'), mask: 'm'.repeat(5000), hidden: Array.from({ length: 500 }, (_, i) => `method:${'ü'.repeat(30)}/${i}`) };
    const saved = savable(state);
    expect(Buffer.byteLength(JSON.stringify(saved))).toBeLessThanOrEqual(2000);
    expect(saved.mask).toBeUndefined();
    expect(saved.hidden.at(-1)).toBe(state.hidden.at(-1));
    expect(without<ViewState>({ ...freshState('a'), pictureStep: 4 }, 'pictureStep')).toEqual(freshState('a'));
  });
});
