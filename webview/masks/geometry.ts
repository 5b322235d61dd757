/** Where cells lie on the image and the image in its pane. Pure. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Zoom and pan, shared by all panes: `scale` ≥ 1, centre in 0…1 of the image. */
export interface Viewport {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Viewport = { scale: 1, x: 0.5, y: 0.5 };
const CLOSEST = 32;

/** Image → pane: pane = image · scale + offset, in the pane's pixels. */
export interface Placement {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

export function place(image: Size, pane: Size, view: Viewport): Placement {
  const scale = Math.min(pane.width / image.width, pane.height / image.height) * view.scale;
  return { scale, left: pane.width / 2 - view.x * image.width * scale, top: pane.height / 2 - view.y * image.height * scale };
}

/** Zooms by a factor so that the image point under the pointer stays there; keeps the image in sight. */
export function zoomAt(view: Viewport, factor: number, at: { readonly x: number; readonly y: number }): Viewport {
  const scale = Math.max(1, Math.min(CLOSEST, view.scale * factor));
  const ratio = view.scale / scale;
  return within({ scale, x: at.x + (view.x - at.x) * ratio, y: at.y + (view.y - at.y) * ratio });
}

/** The centre may go only so far that the image still fills the pane. */
export function within(view: Viewport): Viewport {
  const margin = 0.5 / view.scale;
  const clamp = (value: number): number => Math.max(margin, Math.min(1 - margin, value));
  return { scale: view.scale, x: clamp(view.x), y: clamp(view.y) };
}

/** Moves as little as is needed for a part of the image (in 0…1 of it) to be in sight. */
export function reveal(view: Viewport, part: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }): Viewport {
  const half = 0.5 / view.scale;
  const along = (centre: number, low: number, high: number): number => (low < centre - half ? low + half : high > centre + half ? high - half : centre);
  return within({ scale: view.scale, x: along(view.x, part.left, part.right), y: along(view.y, part.top, part.bottom) });
}

/** As much as it takes to see a cell of a map or a matrix: keys go where the view does not. @param side of a cell, in pixels of the image */
export function revealCell(view: Viewport, { row, column }: Cell, size: Size, side: number): Viewport {
  return reveal(view, { left: (column * side) / size.width, right: ((column + 1) * side) / size.width, top: (row * side) / size.height, bottom: ((row + 1) * side) / size.height });
}

/**
 * Image pixels a cell covers. Images are stored at the network's input size, which a map covers fully (perhaps with
 * padding right and below); a larger stored image is taken to have been shrunk to the input.
 */
export function cellSize(image: Size, shape: readonly number[], stride: number): number {
  const [rows = 1, columns = 1] = shape;
  const fit = Math.max(image.width / (columns * stride), image.height / (rows * stride));
  // Rounding of the last row or column up to a whole cell is no reason to stretch.
  return stride * (fit > 1.0001 ? fit : 1);
}

export interface Cell {
  readonly row: number;
  readonly column: number;
}

export function cellAt(point: { readonly x: number; readonly y: number }, size: number, shape: readonly number[]): Cell | undefined {
  const [rows = 0, columns = 0] = shape;
  const cell = { row: Math.floor(point.y / size), column: Math.floor(point.x / size) };
  return cell.row >= 0 && cell.row < rows && cell.column >= 0 && cell.column < columns ? cell : undefined;
}

/** So many rows and columns further, within the grid; from its middle where no cell is chosen yet. */
export function neighbour(cell: Cell | undefined, [height = 1, width = 1]: readonly number[], rows: number, columns: number): Cell {
  const { row, column } = cell ?? { row: Math.floor(height / 2), column: Math.floor(width / 2) };
  return { row: Math.max(0, Math.min(height - 1, row + rows)), column: Math.max(0, Math.min(width - 1, column + columns)) };
}
