/** Time in a mask viewer, of one run or of two: which recorded step is shown, and playing through them. */
import { type Looks } from '../contract.ts';

/** Milliseconds a step while playing. */
const TEMPO = 700;

export interface Recordings<Mark extends { readonly step: number }> {
  /** In the order of their steps. */
  all(): readonly Mark[];
  view(): Pick<Looks, 'pictureStep'>;
  /** Of no step: the newest, so that the viewer follows a run that goes. */
  show(step: number | undefined): void;
  /** Another step is shown, or playing ended. */
  changed(): void;
  /** Comes next while this is looked at. */
  prepare(mark: Mark): void;
}

export class Player<Mark extends { readonly step: number }> {
  readonly #recordings: Recordings<Mark>;
  #timer: number | undefined;

  constructor(recordings: Recordings<Mark>) {
    this.#recordings = recordings;
  }

  get playing(): boolean {
    return this.#timer !== undefined;
  }

  /** Index into the recorded steps: the one that was chosen, else always the newest. */
  position(all: readonly Mark[]): number {
    const { pictureStep } = this.#recordings.view();
    if (pictureStep === undefined) return all.length - 1;
    const at = all.findIndex((mark) => mark.step >= pictureStep);
    return at < 0 ? all.length - 1 : at;
  }

  #go(position: number): void {
    const all = this.#recordings.all();
    const mark = all[Math.max(0, position)];
    if (mark === undefined) return;
    this.#recordings.show(position === all.length - 1 && !this.playing ? undefined : mark.step);
    this.#recordings.changed();
  }

  /** Stops playing: somebody chose a step. */
  choose(position: number): void {
    this.stop();
    this.#go(position);
  }

  by(steps: number): void {
    const all = this.#recordings.all();
    this.choose(Math.min(all.length - 1, this.position(all) + steps));
    this.#recordings.changed();
  }

  toggle(): void {
    if (this.playing) {
      this.stop();
      this.#recordings.changed();
      return;
    }
    const all = this.#recordings.all();
    if (all.length < 2) return;
    const atEnd = this.position(all) >= all.length - 1;
    this.#timer = window.setInterval(() => { this.#advance(); }, TEMPO);
    if (atEnd) this.#go(0);
    else this.#advance();
  }

  #advance(): void {
    const all = this.#recordings.all();
    const next = this.position(all) + 1;
    if (next >= all.length) {
      this.stop();
      this.#recordings.changed();
      return;
    }
    this.#go(next);
    const after = all[next + 1];
    if (after !== undefined) this.#recordings.prepare(after);
  }

  stop(): void {
    window.clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
