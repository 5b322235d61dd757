/** Painting as much as fits into a part of a frame; the rest in the next, so that the page never stutters. */
import { perFrame } from '../dom.ts';

/** Milliseconds of a frame that painting may take. */
const FRAME_SHARE = 8;

export class Turns<Item> {
  readonly #goOn = perFrame(() => { this.#paintSome(); });
  #pending: Item[] = [];
  #paint: (item: Item) => void = () => undefined;

  paint(items: readonly Item[], paint: (item: Item) => void): void {
    this.#paint = paint;
    // Those that were still waiting come first, so that a quick succession of events starves none.
    this.#pending = [...items].sort((a, b) => Number(this.#pending.includes(b)) - Number(this.#pending.includes(a)));
    this.#paintSome();
  }

  #paintSome(): void {
    const until = performance.now() + FRAME_SHARE;
    for (let item = this.#pending.shift(); item !== undefined; item = this.#pending.shift()) {
      this.#paint(item);
      if (performance.now() > until) break;
    }
    if (this.#pending.length > 0) this.#goOn();
  }
}
