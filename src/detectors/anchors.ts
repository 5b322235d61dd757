/**
 * Anchors of a feature pyramid, in doubles. Flat order: level, row, column, anchor; in a cell ratios outside, sizes inside.
 *
 * `mmdetection`: centres at (column · stride, row · stride), sides stride · scale / √ratio and stride · scale · √ratio, not rounded.
 * `torchvision`: sizes cut to whole pixels, corners rounded, and a cell's distance is ⌊input / cells⌋ of the real map.
 */
import { type Box } from '../engine/boxes.ts';

export interface AnchorSettings {
  readonly convention: 'mmdetection' | 'torchvision';
  /** Side of the smallest anchor, in strides. */
  readonly base: number;
  /** Sizes in each octave: base · 2^(i / octaves). */
  readonly octaves: number;
  /** Height / width. */
  readonly ratios: readonly number[];
  readonly rounded: boolean;
  /** Of each level, finest first. */
  readonly strides: readonly number[];
  /** Where in its cell an anchor's centre is, in strides from the cell's corner; left out: 0. */
  readonly offset?: number;
}

export interface AnchorLevel {
  readonly rows: number;
  readonly columns: number;
  /** Distance of neighbouring centres in pixels. */
  readonly stepY: number;
  readonly stepX: number;
  /** The first cell's anchors, [x1, y1, x2, y2] each. */
  readonly base: Float64Array;
  /** Flat index of the level's first anchor. */
  readonly offset: number;
}

export interface AnchorGrid {
  readonly levels: readonly AnchorLevel[];
  readonly anchorsPerCell: number;
  readonly count: number;
}

/** Cells along one side of a level: every halving rounds up. */
export function cellsOf(pixels: number, stride: number): number {
  return Math.ceil(pixels / stride);
}

/** @param size network input [height, width] */
export function createAnchors(settings: AnchorSettings, size: readonly [number, number]): AnchorGrid {
  const anchorsPerCell = settings.octaves * settings.ratios.length;
  let offset = 0;
  const levels = settings.strides.map((stride): AnchorLevel => {
    const [rows, columns] = [cellsOf(size[0], stride), cellsOf(size[1], stride)];
    const real = settings.convention === 'torchvision';
    const level = {
      rows, columns, offset, base: cellAnchors(settings, stride),
      stepY: real ? Math.floor(size[0] / rows) : stride,
      stepX: real ? Math.floor(size[1] / columns) : stride,
    };
    offset += rows * columns * anchorsPerCell;
    return level;
  });
  return { levels, anchorsPerCell, count: offset };
}

function cellAnchors({ convention, base, octaves, ratios, rounded, offset = 0 }: AnchorSettings, stride: number): Float64Array {
  const values: number[] = [];
  for (const ratio of ratios) {
    for (let octave = 0; octave < octaves; octave += 1) {
      const scaled = base * stride * 2 ** (octave / octaves);
      const side = convention === 'torchvision' ? Math.trunc(scaled) : scaled;
      const [halfWidth, halfHeight] = [side / Math.sqrt(ratio) / 2, (side * Math.sqrt(ratio)) / 2];
      const corners = [-halfWidth, -halfHeight, halfWidth, halfHeight];
      values.push(...(rounded ? corners.map(roundHalfToEven) : corners).map((corner) => corner + offset * stride));
    }
  }
  return Float64Array.from(values);
}

/** As torch.round: 22.5 → 22, 23.5 → 24. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** One anchor by its flat index. */
export function anchorAt(grid: AnchorGrid, index: number): Box {
  const level = grid.levels.findLast(({ offset }) => offset <= index);
  if (level === undefined || index >= grid.count) throw new RangeError(`anchor ${index} of ${grid.count}`);
  const within = index - level.offset;
  const anchor = within % grid.anchorsPerCell;
  const cell = Math.floor(within / grid.anchorsPerCell);
  const [x, y] = [(cell % level.columns) * level.stepX, Math.floor(cell / level.columns) * level.stepY];
  const corner = (side: number): number => level.base[anchor * 4 + side] ?? 0;
  return [corner(0) + x, corner(1) + y, corner(2) + x, corner(3) + y];
}

/** Corners of all anchors in flat order, [A, 4]. */
export function allAnchors(grid: AnchorGrid): Float32Array {
  const corners = new Float32Array(grid.count * 4);
  for (let index = 0; index < grid.count; index += 1) corners.set(anchorAt(grid, index), index * 4);
  return corners;
}

/** Number of anchors of each level. */
export function anchorsPerLevel({ levels, anchorsPerCell }: AnchorGrid): number[] {
  return levels.map(({ rows, columns }) => rows * columns * anchorsPerCell);
}

/** Centre of an anchor by its flat index. */
export function centreAt(grid: AnchorGrid, index: number): readonly [x: number, y: number] {
  const [x1, y1, x2, y2] = anchorAt(grid, index);
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

/** Centres of all anchors in flat order, x and y, [A, 2]. */
export function allCentres(grid: AnchorGrid): Float32Array {
  const centres = new Float32Array(grid.count * 2);
  for (let index = 0; index < grid.count; index += 1) centres.set(centreAt(grid, index), index * 2);
  return centres;
}

/** The level of an anchor by its flat index. */
export function levelOf(grid: AnchorGrid, index: number): number {
  return grid.levels.findLastIndex(({ offset }) => offset <= index);
}
