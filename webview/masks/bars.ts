/** Channel masks as thin rows of bars, one row a network, on one scale; the channel under the pointer is read in all rows. */
import { element, setText } from '../dom.ts';
import { formatValue } from '../format.ts';
import { type Theme } from '../theme.ts';
import { scaleFor } from './layers.ts';
import { type PaneContent } from './selection.ts';
import { t } from '../words.ts';

interface Row {
  readonly node: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly title: HTMLElement;
  readonly value: HTMLElement;
  readonly range: HTMLElement;
  readonly caption: HTMLElement;
}

export class Bars {
  readonly node = element('div', { class: 'bars', role: 'group', 'aria-label': t('Channels'), tabindex: 0, 'aria-description': t('Arrow keys go from channel to channel.') });
  readonly #announce: (text: string) => void;
  #rows: Row[] = [];
  #contents: readonly PaneContent[] = [];
  #theme: Theme | undefined;
  #sameScale = true;
  #channel: number | undefined;

  constructor(announce: (text: string) => void) {
    this.#announce = announce;
    this.node.addEventListener('pointerleave', () => { this.#point(undefined); });
    this.node.addEventListener('keydown', (event) => {
      const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (step === 0) return;
      event.preventDefault();
      this.#point(Math.max(0, Math.min(this.#count - 1, (this.#channel ?? -1) + step)));
      this.#announce(t('Channel {0}: {1}', (this.#channel ?? 0) + 1, this.#rows.map((row) => `${row.title.textContent} ${row.value.textContent}`).join(', ')));
    });
  }

  get #count(): number {
    return Math.max(0, ...this.#contents.map((content) => content.values.length));
  }

  show(contents: readonly PaneContent[], theme: Theme, sameScale: boolean): void {
    [this.#contents, this.#theme, this.#sameScale] = [contents, theme, sameScale];
    while (this.#rows.length < contents.length) this.#rows.push(this.#makeRow());
    this.#rows.length = contents.length;
    this.node.replaceChildren(...this.#rows.map((row) => row.node));
    this.draw();
  }

  #makeRow(): Row {
    const [canvas, title, value, range, caption] = [element('canvas', { 'aria-hidden': 'true' }), element('h3', {}), element('span', { class: 'number note' }), element('span', { class: 'number range' }), element('p', { class: 'caption' })];
    canvas.addEventListener('pointermove', (event) => { this.#point(Math.floor((event.offsetX / Math.max(1, canvas.clientWidth)) * this.#count)); });
    return { canvas, title, value, range, caption, node: element('div', { class: 'bar-row' }, element('div', { class: 'bar-head' }, title, range, value), canvas, caption) };
  }

  #point(channel: number | undefined): void {
    this.#channel = channel === undefined || this.#count === 0 ? undefined : Math.max(0, Math.min(this.#count - 1, channel));
    this.draw();
  }

  draw(): void {
    const theme = this.#theme;
    if (theme === undefined) return;
    this.#contents.forEach((content, index) => {
      const row = this.#rows[index];
      if (row === undefined) return;
      const scale = scaleFor(content, this.#contents, this.#sameScale);
      // Bars are lengths: nothing is clipped.
      const high = scale.clipped ? Math.max(scale.high, ...Array.from(content.values, Math.abs)) : scale.high;
      const low = content.signed ? -high : scale.low;
      setText(row.title, content.title);
      setText(row.range, t('{0} channels, {1} to {2}', content.values.length, formatValue(low), formatValue(high)));
      setText(row.caption, content.caption);
      setText(row.value, this.#channel === undefined ? '' : `${this.#channel + 1}: ${formatValue(content.values[this.#channel])}`);
      drawBars(row.canvas, content, low, high, this.#channel, theme);
    });
  }
}

function drawBars(canvas: HTMLCanvasElement, content: PaneContent, low: number, high: number, channel: number | undefined, theme: Theme): void {
  const density = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth || 1, canvas.clientHeight || 1];
  [canvas.width, canvas.height] = [Math.round(width * density), Math.round(height * density)];
  const pen = canvas.getContext('2d');
  if (pen === null) return;
  pen.setTransform(density, 0, 0, density, 0, 0);
  const count = content.values.length;
  const slot = width / Math.max(1, count);
  const y = (value: number): number => height - ((value - low) / (high - low)) * height;
  const zero = y(Math.max(low, Math.min(high, 0)));
  const colour = content.role === 'teacher' || content.role === 'student' ? theme.colours[content.role] : theme.colours.foreground;
  const thickness = slot > 3 ? slot - 1 : slot;
  for (let i = 0; i < count && i < 4096; i += 1) {
    const value = content.values[i] ?? NaN;
    if (!Number.isFinite(value)) continue;
    pen.fillStyle = content.signed ? theme.colours[value < 0 ? 'teacher' : 'student'] : colour;
    pen.globalAlpha = channel === undefined || channel === i ? 1 : 0.55;
    pen.fillRect(i * slot, Math.min(zero, y(value)), thickness, Math.max(0.75, Math.abs(y(value) - zero)));
  }
  pen.globalAlpha = 1;
  pen.fillStyle = theme.muted;
  pen.fillRect(0, Math.min(height - 1, zero), width, 1);
}
