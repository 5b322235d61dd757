/** The panes of a viewer, side by side in one row that the keyboard reaches. */
import { element } from '../dom.ts';
import { Pane, type PaneFrame } from './pane.ts';

export class PaneRow {
  readonly node: HTMLElement;
  readonly #listen: (canvas: HTMLCanvasElement, index: number) => void;
  #panes: Pane[] = [];

  /** @param listen to what is done on a new pane */
  constructor(label: string, listen: (canvas: HTMLCanvasElement, index: number) => void) {
    this.#listen = listen;
    this.node = element('div', { class: 'panes', role: 'group', tabindex: 0, 'aria-label': label });
  }

  /** A pane a frame; one without a frame keeps what it shows. Panes that are still wanted are not made anew. */
  draw(frames: readonly (PaneFrame | undefined)[]): void {
    this.#count(frames.length);
    frames.forEach((frame, at) => { if (frame !== undefined) this.#panes[at]?.draw(frame); });
  }

  /** What stands at the place that is pointed at, in all panes. */
  describe(): string {
    return this.#panes.map((pane) => pane.describe()).join(', ');
  }

  #count(count: number): void {
    if (this.#panes.length === count) return;
    while (this.#panes.length < count) {
      const pane = new Pane();
      this.#listen(pane.canvas, this.#panes.length);
      this.#panes.push(pane);
    }
    this.#panes.length = count;
    this.node.replaceChildren(...this.#panes.map(({ node }) => node));
    this.node.dataset.count = String(Math.min(4, count));
  }
}
