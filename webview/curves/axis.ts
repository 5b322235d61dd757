/** The x axis that all charts of a page share: chosen and told above them, the part of it that is looked at, a place on it in words. */
import { button, checkbox, element, segmented, setText, show, slider } from '../dom.ts';
import { formatCount, formatDuration } from '../format.ts';
import { type Axis } from '../model.ts';
import { t } from '../words.ts';
import { type CurveView } from './chartView.ts';

const AXES = [{ value: 'step', label: t('Step') }, { value: 'epoch', label: t('Epoch') }, { value: 'time', label: t('Time') }] as const;
export const UNITS: Readonly<Record<Axis, string>> = { step: t('steps'), epoch: t('epochs'), time: t('minutes of training') };

/** Of all that is there, the part that was chosen; undefined where that is everything, or nothing. */
export function cutTo(chosen: readonly [number, number] | undefined, [low, high]: readonly [number, number]): readonly [number, number] | undefined {
  if (chosen === undefined) return undefined;
  const [from, to] = [Math.max(low, chosen[0]), Math.min(high, chosen[1])];
  return to <= from || (from <= low && to >= high) ? undefined : [from, to];
}

export function placeText(x: number | undefined, axis: Axis): string {
  if (x === undefined) return '';
  return axis === 'step' ? t('step {0}', formatCount(x)) : axis === 'epoch' ? t('epoch {0}', x.toFixed(2)) : t('after {0}', formatDuration(60 * x));
}

export interface CurveActions {
  setAxis(axis: Axis): void;
  change(change: Partial<Pick<CurveView, 'smoothing' | 'logarithmic'>>): void;
  showEverything(): void;
}

/** What stands above the charts. */
export class CurveTools {
  readonly node = element('div', { class: 'tools' });
  readonly #actions: CurveActions;
  readonly #reset: HTMLElement;
  readonly #place = element('span', { class: 'number place' });

  constructor(actions: CurveActions) {
    this.#actions = actions;
    this.#reset = button(t('Show everything'), () => { actions.showEverything(); }, { class: 'link' });
  }

  /** Also after another view was taken. */
  build(view: CurveView): void {
    this.node.replaceChildren(
      element('h2', {}, t('Curves')),
      segmented(t('Axis'), 'axis', AXES, view.axis, (axis) => { this.#actions.setAxis(axis); }),
      slider({ label: t('Smoothing'), low: 0, high: 0.99, step: 0.01, value: view.smoothing, say: (value) => value.toFixed(2), change: (smoothing) => { this.#actions.change({ smoothing }); } }),
      checkbox(t('Logarithmic'), view.logarithmic, (logarithmic) => { this.#actions.change({ logarithmic }); }),
      this.#reset, this.#place,
    );
  }

  showPlace(x: number | undefined, axis: Axis): void {
    setText(this.#place, placeText(x, axis));
  }

  /** The way back to everything, where only a part is shown. */
  showZoomed(zoomed: boolean): void {
    show(this.#reset, zoomed);
  }
}
