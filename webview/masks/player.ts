/** Time in the mask viewer: which recorded step is shown, and playing through them. */
import { type BandContext } from '../curves/band.ts';
import { without } from '../looks.ts';
import { type PictureMark } from '../model.ts';

/** Milliseconds a step while playing. */
const TEMPO = 700;

export class Player {
  readonly #context: BandContext;
  readonly #changed: () => void;
  /** What comes next is asked for while this is looked at. */
  readonly #prepare: (folder: string) => void;
  #timer: number | undefined;

  constructor(context: BandContext, changed: () => void, prepare: (folder: string) => void) {
    this.#context = context;
    this.#changed = changed;
    this.#prepare = prepare;
  }

  get playing(): boolean {
    return this.#timer !== undefined;
  }

  /** Recorded steps of the student, or of the first arm that recorded any. */
  recorded(): PictureMark[] {
    const { pictures } = this.#context.model;
    const arm = pictures.some((mark) => mark.arm === 'student') ? 'student' : pictures[0]?.arm;
    const latest = new Map(pictures.filter((mark) => mark.arm === arm).map((mark) => [mark.step, mark]));
    return [...latest.values()].sort((a, b) => a.step - b.step);
  }

  /** Index into the recorded steps: the one that was chosen, else always the newest. */
  position(recorded: readonly PictureMark[]): number {
    const { pictureStep } = this.#context.view();
    if (pictureStep === undefined) return recorded.length - 1;
    const at = recorded.findIndex((mark) => mark.step >= pictureStep);
    return at < 0 ? recorded.length - 1 : at;
  }

  go(position: number): void {
    const recorded = this.recorded();
    const mark = recorded[Math.max(0, position)];
    if (mark === undefined) return;
    // The last one means "the newest", so that the viewer follows the run again.
    if (position === recorded.length - 1 && !this.playing) this.#context.replaceView(without(this.#context.view(), 'pictureStep'));
    else this.#context.setView({ pictureStep: mark.step });
    this.#changed();
  }

  /** Stops playing: somebody chose a step. */
  choose(position: number): void {
    this.stop();
    this.go(position);
  }

  by(steps: number): void {
    this.choose(this.position(this.recorded()) + steps);
  }

  toggle(): void {
    if (this.playing) {
      this.stop();
      this.#changed();
      return;
    }
    const recorded = this.recorded();
    if (recorded.length < 2) return;
    const atEnd = this.position(recorded) >= recorded.length - 1;
    this.#timer = window.setInterval(() => { this.#advance(); }, TEMPO);
    if (atEnd) this.go(0);
    else this.#advance();
  }

  #advance(): void {
    const recorded = this.recorded();
    const next = this.position(recorded) + 1;
    if (next >= recorded.length) {
      this.stop();
      this.#changed();
      return;
    }
    this.go(next);
    const after = recorded[next + 1];
    if (after !== undefined) this.#prepare(after.folder);
  }

  stop(): void {
    window.clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
