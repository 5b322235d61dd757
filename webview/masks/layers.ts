/** From recorded values to what panes draw: scales, colours, and what is said of the place that is pointed at. Pure. */
import { formatValue } from '../format.ts';
import { type ColourTable, type Scale, type Tables, scaleOf } from './colours.ts';
import { type Cell, type Size, cellAt, cellSize } from './geometry.ts';
import { type PaneContent } from './selection.ts';
import { type BoxLayer, type ValuedBox, boxAt, valuedBoxes } from './valued.ts';
import { t } from '../words.ts';

/** What is pointed at: a cell of all maps or matrices; of boxes those at a point of the image, or by keyboard those of a row. */
export type Spot =
  | { readonly at: 'cell'; readonly cell: Cell }
  | { readonly at: 'point'; readonly x: number; readonly y: number }
  | { readonly at: 'row'; readonly row: number };

/**
 * @param at image pixels, or over a matrix its cells
 * @param grid what has cells, if anything has
 */
export function spotAt(at: { readonly x: number; readonly y: number }, form: PaneContent['form'] | undefined, image: Size, grid: PaneContent | undefined, inMatrix: boolean): Spot | undefined {
  if (!inMatrix && (at.x >= image.width || at.y >= image.height)) return undefined;
  if (form === 'boxes') return { at: 'point', x: at.x, y: at.y };
  if (grid === undefined || (grid.form === 'matrix') !== inMatrix) return undefined;
  const cell = cellAt(at, inMatrix ? 1 : cellSize(image, grid.shape, grid.stride), grid.shape);
  return cell === undefined ? undefined : { at: 'cell', cell };
}

/** A matrix as a picture of a pixel a cell. */
export function matrixSize({ shape: [rows = 1, columns = 1] }: PaneContent): Size {
  return { width: columns, height: rows };
}

export interface MaskLayer {
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly stride: number;
  readonly scale: Scale;
  readonly colours: ColourTable;
  readonly opacity: number;
}

export interface Look extends Tables {
  readonly sameScale: boolean;
  readonly opacity: number;
}

/**
 * Teacher's and student's values share a scale where that is wanted, so that equal colours are equal numbers; their difference
 * reaches as far to both sides as that scale, so that a pale difference is a small one.
 */
export function scaleFor(pane: PaneContent, all: readonly PaneContent[], sameScale: boolean): Scale {
  const twins = all.filter((other) => !other.signed && (other.role === 'teacher' || other.role === 'student'));
  if (!sameScale || twins.length === 0) return scaleOf([numbersOf(pane)], pane.signed);
  if (twins.includes(pane)) return scaleOf(twins.map(numbersOf), false);
  if (pane.role !== 'difference' || !pane.signed || twins.length < 2) return scaleOf([numbersOf(pane)], pane.signed);
  const { low, high, clipped } = scaleOf(twins.map(numbersOf), false);
  const reach = Math.max(Math.abs(low), Math.abs(high));
  return { low: -reach, high: reach, clipped };
}

/** Of boxes not the corners, and not of rows that only fill up the shape. */
function numbersOf(pane: PaneContent): ArrayLike<number> {
  return pane.form === 'boxes' ? valuedBoxes(pane).map(({ value }) => value) : pane.values;
}

export function maskLayer(pane: PaneContent, all: readonly PaneContent[], look: Look): MaskLayer {
  const common = { values: pane.values, shape: pane.shape, scale: scaleFor(pane, all, look.sameScale), colours: pane.signed ? look.diverging : look.sequential };
  // A matrix lies on nothing: its cells are its pixels, and there is nothing to see through it.
  return pane.form === 'matrix' ? { ...common, stride: 1, opacity: 1 } : { ...common, stride: pane.stride, opacity: look.opacity };
}

export function boxLayer(pane: PaneContent, all: readonly PaneContent[], look: Look, spot: Spot | undefined): BoxLayer {
  const boxes = valuedBoxes(pane);
  return { boxes, scale: scaleFor(pane, all, look.sameScale), colours: pane.signed ? look.diverging : look.sequential, chosen: chosenBox(boxes, spot) };
}

function chosenBox(boxes: readonly ValuedBox[], spot: Spot | undefined): ValuedBox | undefined {
  if (spot?.at === 'point') return boxAt(boxes, spot);
  return spot?.at === 'row' ? boxes.find(({ row }) => row === spot.row) : undefined;
}

/** The number at the place that is pointed at. */
export function valueAt(spot: Spot | undefined, content: PaneContent): number | undefined {
  if (spot?.at === 'cell') return content.values[spot.cell.row * (content.shape[1] ?? 0) + spot.cell.column];
  return chosenBox(valuedBoxes(content), spot)?.value;
}

/** What stands beside a pane's title. @param content left out for the image */
export function spotText(spot: Spot | undefined, content: PaneContent | undefined, form: PaneContent['form'] | undefined): string {
  if (spot === undefined) return '';
  if (spot.at === 'cell') {
    const place = t('row {0}, column {1}', spot.cell.row + 1, spot.cell.column + 1);
    if (content === undefined) return form === 'map' ? place : '';
    const value = formatValue(content.values[spot.cell.row * (content.shape[1] ?? 0) + spot.cell.column]);
    return content.form === 'matrix' ? `${place}: ${value}` : value;
  }
  if (content === undefined) return '';
  const box = chosenBox(valuedBoxes(content), spot);
  return box === undefined ? '' : t('box {0}: {1}', box.row + 1, formatValue(box.value));
}
