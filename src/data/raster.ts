/** Filled outlines with smooth edges: four scan lines a pixel row, exact coverage along each. */

/** Corners x, y alternating, in pixels; closed. */
export type Contour = readonly number[];

export interface Coverage {
  /** Of the window within the canvas, in pixels. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Share of each pixel that is covered, row by row. */
  readonly values: Float32Array;
}

const LINES = 4;

/** Bounds [x1, y1, x2, y2] of all corners. */
export function bounds(contours: readonly Contour[]): [number, number, number, number] {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const contour of contours) {
    for (let i = 0; i < contour.length; i += 2) {
      const [x, y] = [contour[i] ?? 0, contour[i + 1] ?? 0];
      x1 = Math.min(x1, x);
      y1 = Math.min(y1, y);
      x2 = Math.max(x2, x);
      y2 = Math.max(y2, y);
    }
  }
  return [x1, y1, x2, y2];
}

/** Even-odd fill of the contours, cut at the canvas. */
export function cover(contours: readonly Contour[], canvasWidth: number, canvasHeight: number): Coverage {
  const [x1, y1, x2, y2] = bounds(contours);
  const left = Math.max(0, Math.floor(x1));
  const top = Math.max(0, Math.floor(y1));
  const width = Math.max(0, Math.min(canvasWidth, Math.ceil(x2)) - left);
  const height = Math.max(0, Math.min(canvasHeight, Math.ceil(y2)) - top);
  const values = new Float32Array(width * height);
  for (let line = 0; width > 0 && line < height * LINES; line += 1) {
    const crossings = crossingsAt(contours, top + (line + 0.5) / LINES);
    const row = Math.floor(line / LINES) * width;
    for (let i = 0; i + 1 < crossings.length; i += 2) addSpan(values, row, width, (crossings[i] ?? 0) - left, (crossings[i + 1] ?? 0) - left);
  }
  return { left, top, width, height, values };
}

function crossingsAt(contours: readonly Contour[], y: number): number[] {
  const found: number[] = [];
  for (const contour of contours) {
    const length = contour.length;
    let ax = contour[length - 2] ?? 0;
    let ay = contour[length - 1] ?? 0;
    for (let i = 0; i < length; i += 2) {
      const bx = contour[i] ?? 0;
      const by = contour[i + 1] ?? 0;
      if (ay <= y !== by <= y) found.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
      ax = bx;
      ay = by;
    }
  }
  return found.sort((a, b) => a - b);
}

function addSpan(values: Float32Array, row: number, width: number, from: number, to: number): void {
  const start = Math.max(0, from);
  const end = Math.min(width, to);
  for (let x = Math.floor(start); x < end; x += 1) {
    const share = Math.min(end, x + 1) - Math.max(start, x);
    values[row + x] = (values[row + x] ?? 0) + share / LINES;
  }
}
