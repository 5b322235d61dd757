/** What stands around the panes: choosers above, time below. Rebuilt only when there is something else to choose from. */
import { type Looks, type ViewState } from '../contract.ts';
import { checkbox, element, iconButton, icon, segmented, select, setAttribute, setText, show, slider, svg } from '../dom.ts';
import { clip, formatCount } from '../format.ts';
import { type Theme } from '../theme.ts';
import { BOX_DASHES, type Owner } from './boxes.ts';
import { ALL_LEVELS, type Level, type MaskChoice } from './selection.ts';
import { t } from '../words.ts';

const COLOURS = [{ value: 'viridis', label: 'viridis' }, { value: 'magma', label: 'magma' }, { value: 'grey', label: t('grey') }] as const;
const OWNERS: readonly { readonly owner: Owner; readonly label: string }[] = [{ owner: 'truth', label: t('ground truth') }, { owner: 'teacher', label: t('teacher') }, { owner: 'student', label: t('student') }];
const MOST_METHODS = 60;
/** More methods than this are a list: a row of so many buttons would take lines. */
const BUTTONS = 6;
/** What every viewer does by keys on its panes, for those who hear it. */
export const VIEWER_KEYS = t('Plus and minus zoom, 0 shows the whole, comma and full stop change the step, space plays, brackets change the image, L the level.');
type MaskLooks = Pick<Looks, 'opacity' | 'sameScale' | 'colours'>;
/** Side of the finest level's square in pixels. */
const LARGEST_SQUARE = 24;

export function methodControl(choices: readonly MaskChoice[], chosen: MaskChoice, titleOf: (method: string) => string, choose: (key: string) => void): HTMLElement | undefined {
  const methods = [...new Set(choices.map((choice) => choice.method))].slice(0, MOST_METHODS);
  if (methods.length < 2) return undefined;
  const first = (method: string): string => choices.find((choice) => choice.method === method)?.key ?? '';
  const options = methods.map((method) => ({ value: method, label: titleOf(method) }));
  const pick = (method: string): void => { choose(first(method)); };
  return methods.length > BUTTONS ? select(t('Method'), 'method', options, chosen.method, pick) : segmented(t('Method'), 'method', options, chosen.method, pick);
}

export function kindControl(choices: readonly MaskChoice[], chosen: MaskChoice, choose: (key: string) => void): HTMLElement {
  const options = choices.filter((choice) => choice.method === chosen.method).slice(0, 60).map((choice) => ({ value: choice.key, label: clip(choice.title, 60) }));
  return select(t('Mask'), 'mask', options, chosen.key, choose);
}

/** Levels as squares in their true relative size: a cell of P5 covers four times the side of one of P3. */
export function levelControl(levels: readonly Level[], chosen: string, choose: (level: string) => void): HTMLElement | undefined {
  if (levels.length < 2) return undefined;
  const finest = Math.min(...levels.filter(({ name }) => name !== ALL_LEVELS).map((level) => level.stride));
  const field = element('fieldset', { class: 'levels' }, element('legend', {}, t('Level')));
  for (const { name, stride } of levels) {
    const input = element('input', { type: 'radio', name: 'level', class: 'unseen', 'aria-label': name === ALL_LEVELS ? t('all levels together') : t('{0}, stride {1}', clip(name, 20), stride) });
    input.checked = name === chosen;
    input.addEventListener('change', () => { choose(name); });
    const side = name === ALL_LEVELS ? LARGEST_SQUARE : Math.max(2, Math.round((LARGEST_SQUARE * finest) / stride));
    const square = svg('svg', { width: LARGEST_SQUARE, height: LARGEST_SQUARE, viewBox: `0 0 ${LARGEST_SQUARE} ${LARGEST_SQUARE}`, 'aria-hidden': 'true' },
      svg('rect', { x: (LARGEST_SQUARE - side) / 2, y: LARGEST_SQUARE - side, width: side, height: side }));
    field.append(element('label', { title: name === ALL_LEVELS ? t('All levels together') : t('{0}: a cell is {1} × {1} pixels', clip(name, 20), stride) }, input, square, element('span', {}, clip(name, 8))));
  }
  return field;
}

export function lookControls(view: MaskLooks, change: (change: Partial<MaskLooks>) => void): HTMLElement[] {
  return [
    slider({ label: t('Opacity'), low: 0, high: 1, step: 0.05, value: view.opacity, say: (value) => `${Math.round(100 * value)} %`, change: (opacity) => { change({ opacity }); } }),
    checkbox(t('Same scale'), view.sameScale, (sameScale) => { change({ sameScale }); }),
    select(t('Colours'), 'colours', COLOURS, view.colours, (colours) => { change({ colours: COLOURS.find(({ value }) => value === colours)?.value ?? 'viridis' }); }),
  ];
}

export class BoxControls {
  readonly node: HTMLElement;
  readonly #samples = new Map<Owner, SVGElement>();
  readonly #everywhere: HTMLElement;

  constructor(view: ViewState, change: (change: Partial<ViewState>) => void) {
    let boxes = view.boxes;
    this.node = element('fieldset', { class: 'box-switches' }, element('legend', {}, t('Boxes')));
    for (const { owner, label } of OWNERS) {
      const sample = svg('rect', { x: 1.5, y: 1.5, width: 15, height: 9, fill: 'none', 'stroke-width': 2, 'stroke-dasharray': BOX_DASHES[owner].join(' ') || undefined });
      this.#samples.set(owner, sample);
      this.node.append(checkbox(label, boxes[owner], (checked) => {
        boxes = { ...boxes, [owner]: checked };
        change({ boxes });
      }, svg('svg', { width: 18, height: 12, 'aria-hidden': 'true' }, sample)));
    }
    this.#everywhere = checkbox(t('on all panes'), boxes.everywhere === true, (everywhere) => {
      boxes = { ...boxes, everywhere };
      change({ boxes });
    });
    this.node.append(this.#everywhere, slider({ label: t('Score from'), low: 0, high: 0.95, step: 0.05, value: view.score ?? 0.3, say: (value) => value.toFixed(2), change: (score) => { change({ score }); } }));
  }

  /** @param alone there is no other pane that boxes could be drawn on */
  paint(theme: Theme, hasTeacher: boolean, alone: boolean): void {
    show(this.#everywhere, !alone);
    for (const [owner, sample] of this.#samples) setAttribute(sample, 'stroke', theme.colours[owner]);
    const teacher = this.#samples.get('teacher')?.closest('label');
    if (teacher instanceof HTMLElement) show(teacher, hasTeacher);
  }
}

export interface TimeActions {
  go(position: number): void;
  play(): void;
  zoom(factor: number): void;
  whole(): void;
}

/** The time slider over the recorded steps, with play; and the zoom buttons beside it. */
export class TimeControl {
  readonly node: HTMLElement;
  readonly #play: HTMLButtonElement;
  readonly #range = element('input', { type: 'range', min: 0, step: 1, 'aria-label': t('Recorded step') });
  readonly #label = element('span', { class: 'number when' });

  constructor(actions: TimeActions) {
    this.#play = iconButton('play', t('Play the recorded steps'), () => { actions.play(); });
    this.#range.addEventListener('input', () => { actions.go(this.#range.valueAsNumber); });
    const tools = element('span', { class: 'zoom-tools' },
      iconButton('minus', t('Zoom out'), () => { actions.zoom(1 / 1.6); }), iconButton('plus', t('Zoom in'), () => { actions.zoom(1.6); }), iconButton('fit', t('Whole image'), () => { actions.whole(); }));
    this.node = element('div', { class: 'time' }, this.#play, this.#range, this.#label, tools);
  }

  /** @param result of the network at that step, beside it */
  show(steps: readonly number[], position: number, playing: boolean, result = ''): void {
    const last = String(Math.max(0, steps.length - 1));
    if (this.#range.max !== last) this.#range.max = last;
    this.#range.value = String(position);
    const text = steps.length === 0 ? '' : t('step {0}', formatCount(steps[position] ?? 0));
    const words = [steps.length < 2 ? text : t('{0} · {1} of {2}', text, position + 1, steps.length), result];
    setText(this.#label, words.filter((word) => word !== '').join(' · '));
    this.#range.setAttribute('aria-valuetext', result === '' ? text : `${text}, ${result}`);
    this.#range.disabled = this.#play.disabled = steps.length < 2;
    const name = playing ? t('Pause') : t('Play the recorded steps');
    if (this.#play.getAttribute('aria-label') === name) return;
    this.#play.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.#play.setAttribute('aria-label', name);
    this.#play.title = name;
  }
}
