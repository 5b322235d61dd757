/** A part of an axis, chosen by dragging along it or by moving its two ends with the keys. */
import { type Layout } from '../../src/charts/parallelChart.ts';
import { setAttribute, svg } from '../dom.ts';
import { t } from '../words.ts';
import { type Brush, movedEnd } from './brushRange.ts';

export interface BrushHost {
  readonly brushOf: (key: string) => Brush | undefined;
  readonly setBrush: (key: string, brush: Brush | undefined) => void;
  /** Where lines cross the axis, from the bottom. */
  readonly placesOn: (index: number) => readonly number[];
}

export interface AxisPlace {
  readonly key: string;
  readonly title: string;
  readonly index: number;
  readonly x: number;
  readonly layout: Layout;
  readonly colour: string;
  /** A place in words. */
  readonly say: (where: number) => string;
}

/** Below everything, and above it. */
const WHOLE: Brush = [-0.2, 1];
/** Pixels; a shorter way is a click. */
const LEAST_DRAG = 4;

interface Shown {
  readonly key: string;
  readonly index: number;
  readonly bar: SVGElement;
  readonly ends: Readonly<Record<'low' | 'high', SVGElement>>;
  readonly say: AxisPlace['say'];
}

export class BrushHandles {
  readonly #host: BrushHost;
  #shown: Shown[] = [];

  constructor(host: BrushHost) {
    this.#host = host;
  }

  /** The bar of the chosen part and its two ends; the first axis forgets what was built before. */
  build({ key, title, index, x, colour, say }: AxisPlace): readonly SVGElement[] {
    if (index === 0) this.#shown = [];
    const bar = svg('rect', { x: x - 5, width: 10, y: 0, height: 0, fill: colour, 'fill-opacity': 0.16, stroke: colour, 'stroke-opacity': 0.5, class: 'brush' });
    const end = (which: 'low' | 'high'): SVGElement => {
      const node = svg('rect', {
        x: x - 8, width: 16, height: 5, rx: 2, fill: colour, tabindex: 0, role: 'slider', class: 'brush-end', 'data-focus': `${key} ${which}`, 'aria-orientation': 'vertical',
        'aria-label': which === 'low' ? t('{0}: lower end of the choice', title) : t('{0}: upper end of the choice', title),
      });
      node.addEventListener('keydown', (event) => {
        const moved = movedEnd(this.#host.placesOn(index), this.#host.brushOf(key), which, event.key);
        if (moved === undefined) return;
        event.preventDefault();
        this.#host.setBrush(key, moved === 'none' ? undefined : moved);
      });
      return node;
    };
    const ends = { low: end('low'), high: end('high') };
    this.#shown.push({ key, index, bar, ends, say });
    return [bar, ends.low, ends.high];
  }

  /** Dragging along the axis chooses, a click takes the choice away. */
  drag(room: SVGElement, key: string, layout: Layout): void {
    room.addEventListener('pointerdown', (down) => {
      if (down.button !== 0) return;
      down.preventDefault();
      room.setPointerCapture(down.pointerId);
      const top = room.ownerSVGElement?.getBoundingClientRect().top ?? 0;
      // To the very end of the axis means to whatever lies there, a key that is left out too.
      const placeAt = (event: PointerEvent): number => { const y = event.clientY - top; return y > layout.bottom ? WHOLE[0] : layout.placeAt(y); };
      const from = placeAt(down);
      const move = (event: PointerEvent): void => {
        if (Math.abs(event.clientY - down.clientY) < LEAST_DRAG) return;
        const to = placeAt(event);
        this.#host.setBrush(key, [Math.min(from, to), Math.max(from, to)]);
      };
      const up = (event: PointerEvent): void => {
        room.removeEventListener('pointermove', move);
        if (Math.abs(event.clientY - down.clientY) < LEAST_DRAG) this.#host.setBrush(key, undefined);
      };
      room.addEventListener('pointermove', move);
      room.addEventListener('pointerup', up, { once: true });
      room.addEventListener('pointercancel', up, { once: true });
    });
  }

  look(layout: Layout): void {
    for (const { key, index, bar, ends, say } of this.#shown) {
      const brush = this.#host.brushOf(key);
      const places = this.#host.placesOn(index);
      const [low, high] = brush ?? [Math.min(0, places[0] ?? 0), 1];
      const clamp = (at: number): number => Math.max(at, Math.min(0, places[0] ?? 0) - 0.03);
      setAttribute(bar, 'y', layout.y(high));
      setAttribute(bar, 'height', brush === undefined ? 0 : Math.max(0, layout.y(clamp(low)) - layout.y(high)));
      setAttribute(ends.high, 'y', layout.y(high) - 5);
      setAttribute(ends.low, 'y', layout.y(clamp(low)));
      for (const [end, at] of [[ends.low, brush?.[0] ?? places[0] ?? 0], [ends.high, brush?.[1] ?? places.at(-1) ?? 1]] as const) {
        setAttribute(end, 'aria-valuemin', 0);
        setAttribute(end, 'aria-valuemax', 100);
        setAttribute(end, 'aria-valuenow', Math.round(100 * Math.min(1, Math.max(0, at))));
        setAttribute(end, 'aria-valuetext', say(at));
        end.classList.toggle('idle', brush === undefined);
      }
    }
  }
}
