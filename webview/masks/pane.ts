/** One pane: the image with a mask or boxes over it, or a matrix; the cell under the pointer. Draws only; what to show is given to it. */
import { element, setText, show } from '../dom.ts';
import { formatValue } from '../format.ts';
import { type Theme } from '../theme.ts';
import { drawValued } from './boxes.ts';
import { entryOf, lightness, paint } from './colours.ts';
import { type Cell, type Placement, type Size, type Viewport, cellSize, place } from './geometry.ts';
import { type MaskLayer } from './layers.ts';
import { type BoxLayer } from './valued.ts';

export interface PaneFrame {
  readonly title: string;
  readonly caption: string;
  /** Of the place that is pointed at, beside the title; its number is marked on the colour bar. */
  readonly value: string;
  readonly pointed?: number | undefined;
  /** In image pixels; of a matrix in cells. */
  readonly size: Size;
  readonly bitmap: ImageBitmap | undefined;
  readonly mask?: MaskLayer;
  readonly boxes?: BoxLayer;
  readonly viewport: Viewport;
  readonly theme: Theme;
  readonly cell: Cell | undefined;
  /** Whose cells are outlined, for panes without a mask too. */
  readonly grid: { readonly shape: readonly number[]; readonly stride: number } | undefined;
  /** Drawn over image and mask. */
  readonly over?: (pen: CanvasRenderingContext2D, placement: Placement) => void;
}

/** Cells of so many pixels have room for their numbers. */
const NUMBERED_FROM = 44;

export class Pane {
  readonly node: HTMLElement;
  readonly canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #view = element('div', { class: 'view' }, this.canvas);
  readonly #title = element('h3', {});
  readonly #value = element('span', { class: 'number note' });
  readonly #caption = element('p', { class: 'caption' });
  readonly #bar = element('div', { class: 'scale' });
  readonly #low = element('span', { class: 'number' });
  readonly #high = element('span', { class: 'number' });
  readonly #barCanvas = element('canvas', { width: 256, height: 1, 'aria-hidden': 'true' });
  readonly #mark = element('span', { class: 'scale-mark', hidden: true });
  /** The mask at one pixel a cell; redrawn when values or colours change, not when the pointer moves. */
  readonly #cells = element('canvas', {});
  #painted: MaskLayer | undefined;

  constructor() {
    this.#bar.append(this.#low, element('span', { class: 'scale-bar' }, this.#barCanvas, this.#mark), this.#high);
    this.node = element('figure', { class: 'pane' }, element('figcaption', {}, this.#title, this.#value), this.#view, this.#bar, this.#caption);
  }

  draw(frame: PaneFrame): void {
    const { mask, theme } = frame;
    setText(this.#title, frame.title);
    setText(this.#caption, frame.caption);
    setText(this.#value, frame.value);
    this.#drawScale(mask ?? frame.boxes, frame.pointed);
    const aspect = aspectOf(frame.size);
    if (this.#view.style.aspectRatio !== aspect) this.#view.style.aspectRatio = aspect;
    const pen = this.#prepare();
    if (pen === null) return;
    const placement = place(frame.size, this.#paneSize(), frame.viewport);
    const { scale, left, top } = placement;
    pen.imageSmoothingEnabled = scale < 2;
    if (frame.bitmap !== undefined) pen.drawImage(frame.bitmap, left, top, frame.size.width * scale, frame.size.height * scale);
    if (mask !== undefined) this.#drawMask(pen, mask, frame, placement);
    if (frame.boxes !== undefined) drawValued(pen, frame.boxes, placement, theme);
    frame.over?.(pen, placement);
    if (frame.cell !== undefined && frame.grid !== undefined) outlineCell(pen, frame.cell, cellSize(frame.size, frame.grid.shape, frame.grid.stride) * scale, placement, theme);
  }

  #paneSize(): Size {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }

  #prepare(): CanvasRenderingContext2D | null {
    const { width, height } = this.#paneSize();
    const density = window.devicePixelRatio || 1;
    const [columns, rows] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== columns || this.canvas.height !== rows) [this.canvas.width, this.canvas.height] = [columns, rows];
    const pen = this.canvas.getContext('2d');
    pen?.setTransform(density, 0, 0, density, 0, 0);
    pen?.clearRect(0, 0, width, height);
    return pen;
  }

  #drawMask(pen: CanvasRenderingContext2D, mask: MaskLayer, frame: PaneFrame, { scale, left, top }: Placement): void {
    const [rows = 0, columns = 0] = mask.shape;
    if (rows === 0 || columns === 0 || rows * columns > 4_000_000) return;
    if (this.#painted === undefined || !sameCells(this.#painted, mask)) this.#paintCells(mask, rows, columns);
    this.#painted = mask;
    const cell = cellSize(frame.size, mask.shape, mask.stride) * scale;
    pen.save();
    // Cells of padding beside the image are not part of the picture.
    pen.beginPath();
    pen.rect(left, top, frame.size.width * scale, frame.size.height * scale);
    pen.clip();
    pen.globalAlpha = mask.opacity;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.#cells, left, top, columns * cell, rows * cell);
    pen.globalAlpha = 1;
    if (cell >= NUMBERED_FROM) writeValues(pen, mask, cell, { scale, left, top }, this.#paneSize(), frame.theme);
    pen.restore();
  }

  #paintCells(mask: MaskLayer, rows: number, columns: number): void {
    [this.#cells.width, this.#cells.height] = [columns, rows];
    const pen = this.#cells.getContext('2d');
    const pixels = pen?.createImageData(columns, rows);
    if (pen === null || pixels === undefined) return;
    paint(mask.values, mask.scale, mask.colours, pixels.data);
    pen.putImageData(pixels, 0, 0);
  }

  #drawScale(layer: Pick<MaskLayer, 'scale' | 'colours'> | undefined, pointed: number | undefined): void {
    this.#bar.classList.toggle('none', layer === undefined);
    if (layer === undefined) return;
    const { scale, colours } = layer;
    const share = pointed === undefined ? NaN : Math.max(0, Math.min(1, (pointed - scale.low) / (scale.high - scale.low)));
    show(this.#mark, Number.isFinite(share));
    if (Number.isFinite(share)) this.#mark.style.left = `${(100 * share).toFixed(1)}%`;
    setText(this.#low, scale.clipped && scale.low < 0 ? `≤ ${formatValue(scale.low)}` : formatValue(scale.low));
    setText(this.#high, scale.clipped ? `≥ ${formatValue(scale.high)}` : formatValue(scale.high));
    const pen = this.#barCanvas.getContext('2d');
    const pixels = pen?.createImageData(256, 1);
    if (pen === null || pixels === undefined) return;
    paint(Float32Array.from({ length: 256 }, (_, i) => i), { low: 0, high: 255, clipped: false }, colours, pixels.data);
    pen.putImageData(pixels, 0, 0);
  }

  /** `Teacher 1.23`, for the spoken form. */
  describe(): string {
    return `${this.#title.textContent} ${this.#value.textContent}`.trim();
  }
}

/** A matrix of one row is no thread, one of one column no tower. */
function aspectOf({ width, height }: Size): string {
  const ratio = Math.max(1, width) / Math.max(1, height);
  return ratio < 0.4 ? '2 / 5' : ratio > 4 ? '4 / 1' : `${Math.max(1, width)} / ${Math.max(1, height)}`;
}

const sameCells = (a: MaskLayer, b: MaskLayer): boolean => a.values === b.values && a.colours === b.colours && a.scale.low === b.scale.low && a.scale.high === b.scale.high;

function outlineCell(pen: CanvasRenderingContext2D, { row, column }: Cell, size: number, { left, top }: Placement, theme: Theme): void {
  const rectangle = [left + column * size, top + row * size, size, size] as const;
  pen.save();
  pen.lineWidth = 3;
  pen.strokeStyle = theme.background;
  pen.strokeRect(...rectangle);
  pen.lineWidth = 1.5;
  pen.strokeStyle = theme.foreground;
  pen.strokeRect(...rectangle);
  pen.restore();
}

/** The number in each cell that is in sight, once one has zoomed in so far. */
function writeValues(pen: CanvasRenderingContext2D, { values, shape, scale, colours }: MaskLayer, cell: number, { left, top }: Placement, pane: Size, theme: Theme): void {
  const [rows = 0, columns = 0] = shape;
  pen.font = `${theme.fontSize}px ${theme.font}`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.lineWidth = 3;
  for (let row = Math.max(0, Math.floor(-top / cell)); row < Math.min(rows, Math.ceil((pane.height - top) / cell)); row += 1) {
    for (let column = Math.max(0, Math.floor(-left / cell)); column < Math.min(columns, Math.ceil((pane.width - left) / cell)); column += 1) {
      const value = values[row * columns + column] ?? NaN;
      if (!Number.isFinite(value)) continue;
      const entry = entryOf(value, scale);
      const isLight = lightness([colours[entry] ?? 0, colours[entry + 1] ?? 0, colours[entry + 2] ?? 0]) > 55;
      // A rim of the other kind, for what shines through the mask may be of any brightness.
      pen.strokeStyle = isLight ? 'rgba(255, 255, 255, 0.75)' : 'rgba(0, 0, 0, 0.75)';
      pen.fillStyle = isLight ? '#000000' : '#ffffff';
      const at = [left + (column + 0.5) * cell, top + (row + 0.5) * cell] as const;
      pen.strokeText(formatValue(value), ...at);
      pen.fillText(formatValue(value), ...at);
    }
  }
}
