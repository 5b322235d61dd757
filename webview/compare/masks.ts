/** Masks of two runs side by side: the same step, image, mask and level, on one scale, and what they differ by. */
import { button, checkbox, element, perFrame, select, setText, show } from '../dom.ts';
import { clip, formatCount, formatValue } from '../format.ts';
import { without } from '../looks.ts';
import { drawBoxes } from '../masks/boxes.ts';
import { ColourTables, type Scale, scaleOf } from '../masks/colours.ts';
import { kindControl, levelControl, lookControls, TimeControl, VIEWER_KEYS } from '../masks/controls.ts';
import { type Cell, cellAt, cellSize, neighbour, type Placement, revealCell, type Viewport, WHOLE, zoomAt } from '../masks/geometry.ts';
import { type MaskLayer, valueAt } from '../masks/layers.ts';
import { answerMaskKey } from '../masks/keys.ts';
import { Player } from '../masks/player.ts';
import { listenToPane } from '../masks/pointer.ts';
import { recordingsOf } from '../masks/recordings.ts';
import { PaneRow } from '../masks/row.ts';
import { type PaneContent } from '../masks/selection.ts';
import { PictureStore, type RecordedStep } from '../masks/store.ts';
import { Strip } from '../masks/strip.ts';
import { t } from '../words.ts';
import { type Context } from './context.ts';
import { commonChoices, commonLevels, commonSteps, type CommonStep, type Pair, pairsOf } from './pairs.ts';

type Side = 'left' | 'right';
interface Shown {
  readonly left: RecordedStep;
  readonly right: RecordedStep;
  readonly pairs: readonly Pair[];
  readonly image: number;
}

export class MasksBand {
  readonly node: HTMLElement;
  readonly redraw = perFrame(() => { this.draw(); });
  readonly #context: Context;
  readonly #stores = new Map<string, PictureStore>();
  readonly #runs = element('div', { class: 'tools' });
  readonly #choosers = element('div', { class: 'tools' });
  readonly #looks = element('div', { class: 'tools' });
  readonly #waiting = element('p', { class: 'empty' });
  readonly #viewer: HTMLElement;
  readonly #row = new PaneRow(t('Masks of two runs'), (canvas) => { this.#listen(canvas); });
  readonly #strip: Strip;
  readonly #player: Player<CommonStep>;
  readonly #time: TimeControl;
  readonly #tables = new ColourTables();
  #signature = '';
  #viewport: Viewport = WHOLE;
  #cell: Cell | undefined;
  #shown: Shown | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#strip = new Strip((image) => { context.setView({ image }); }, (file) => this.#store('left')?.image(file));
    this.#player = new Player({
      all: () => this.#steps(), view: () => context.view(),
      show: (pictureStep) => { context.replaceView(pictureStep === undefined ? without(context.view(), 'pictureStep') : { ...context.view(), pictureStep }); },
      changed: () => { this.redraw(); },
      prepare: ({ left, right }) => {
        this.#store('left')?.step(left);
        this.#store('right')?.step(right);
      },
    });
    this.#time = new TimeControl({ go: (position) => { this.#player.choose(position); }, play: () => { this.#player.toggle(); }, zoom: (factor) => { this.#zoom(factor); }, whole: () => { this.#zoom(0); } });
    this.#viewer = element('div', { class: 'viewer' }, this.#choosers, this.#row.node, this.#time.node, this.#looks);
    this.node = element('section', { class: 'band masks', 'aria-label': t('Masks of two runs') }, element('h2', {}, t('Masks of two runs')), this.#runs, this.#waiting, this.#strip.node, this.#viewer);
    this.#row.node.setAttribute('aria-description', t('Arrow keys go from cell to cell. {0}', VIEWER_KEYS));
    this.#row.node.addEventListener('keydown', (event) => { if (this.#key(event)) event.preventDefault(); });
    new ResizeObserver(() => { this.redraw(); }).observe(this.#row.node);
    this.buildLooks();
  }

  buildLooks(): void {
    const view = this.#context.view();
    const looks = lookControls(view, (change) => { this.#context.setView(change); });
    this.#looks.replaceChildren(...looks, checkbox(t('Boxes of the students'), view.boxes, (boxes) => { this.#context.setView({ boxes }); }));
    this.#signature = '';
  }

  /** The store of a run's pictures; forgets those of runs that are no longer compared. */
  storeOf(id: string): PictureStore {
    for (const known of this.#stores.keys()) if (!this.#context.order().includes(known)) this.#stores.delete(known);
    let store = this.#stores.get(id);
    if (store === undefined) {
      const { send } = this.#context;
      store = new PictureStore((message) => {
        if (message.type === 'pictures' || message.type === 'image') send({ ...message, id });
      }, () => { this.redraw(); });
      this.#stores.set(id, store);
    }
    return store;
  }

  #store(side: Side): PictureStore | undefined {
    const id = this.#chosen()[side];
    return id === undefined ? undefined : this.storeOf(id);
  }

  /** Runs that recorded anything, in the order of the choice. */
  #candidates(): readonly string[] {
    return this.#context.order().filter((id) => {
      const model = this.#context.models.get(id);
      return model !== undefined && recordingsOf(model).length > 0;
    });
  }

  #chosen(): Partial<Record<Side, string>> {
    const all = this.#candidates();
    const view = this.#context.view();
    const left = all.find((id) => id === view.left) ?? all.find((id) => id !== view.right) ?? all[0];
    // Two experiments rather than two seeds of one.
    const together = this.#context.comparison().entries.find(({ runs }) => runs.some(({ id }) => id === left))?.runs.map(({ id }) => id) ?? [];
    const right = all.find((id) => id === view.right && id !== left) ?? all.find((id) => id !== left && !together.includes(id)) ?? all.find((id) => id !== left);
    return { ...(left !== undefined && { left }), ...(right !== undefined && { right }) };
  }

  #nameOf(id: string): string {
    const run = this.#context.comparison().entries.flatMap(({ runs }) => runs).find((one) => one.id === id);
    return clip(run?.name ?? id, 40);
  }

  #steps(): CommonStep[] {
    const { left, right } = this.#chosen();
    const models = [left, right].map((id) => (id === undefined ? undefined : this.#context.models.get(id)));
    return models[0] === undefined || models[1] === undefined ? [] : commonSteps(models[0], models[1]);
  }

  draw(): void {
    show(this.node, this.#candidates().length > 0);
    const { left, right } = this.#chosen();
    const steps = this.#steps();
    const position = this.#player.position(steps);
    const step = steps[position];
    const [mine, other] = step === undefined ? [] : [this.#store('left')?.step(step.left), this.#store('right')?.step(step.right)];
    this.#shown = mine !== undefined && other !== undefined ? this.#choose(mine, other) : step === undefined ? undefined : this.#shown;
    this.#time.show(steps.map((item) => item.step), Math.max(0, position), this.#player.playing);
    show(this.#viewer, this.#shown !== undefined);
    show(this.#strip.node, this.#shown !== undefined);
    show(this.#waiting, this.#shown === undefined);
    setText(this.#waiting, right === undefined ? t('Only one of the runs recorded masks.') : step === undefined ? t('The two runs recorded masks at no common step.') : t('Masks of step {0} are being read.', formatCount(step.step)));
    this.#arrange(left, right);
    if (this.#shown === undefined) return;
    this.#strip.show(this.#shown.left.index.images, this.#shown.image);
    this.#drawPanes(this.#shown);
  }

  #choose(left: RecordedStep, right: RecordedStep): Shown {
    const view = this.#context.view();
    const image = Math.max(0, Math.min(view.image, left.index.images.length - 1, right.index.images.length - 1));
    const choices = commonChoices(left, right);
    const choice = choices.find(({ key }) => key === view.mask) ?? choices.find(({ kinds }) => kinds.length === 1) ?? choices[0];
    const levels = choice === undefined ? [] : commonLevels(left, right, choice);
    const level = levels.find(({ name }) => name === view.level) ?? levels[0];
    this.#controls = { choices, choice, levels, level: level?.name ?? '' };
    return { left, right, image, pairs: choice === undefined || level === undefined ? [] : pairsOf(left, right, choice, level.name, image) };
  }

  #controls: { readonly choices: ReturnType<typeof commonChoices>; readonly choice: ReturnType<typeof commonChoices>[number] | undefined; readonly levels: ReturnType<typeof commonLevels>; readonly level: string } | undefined;

  #arrange(left: string | undefined, right: string | undefined): void {
    const all = this.#candidates();
    const { choices = [], choice, levels = [], level = '' } = this.#controls ?? {};
    const signature = JSON.stringify([all.map((id) => [id, this.#nameOf(id)]), left, right, choices.map(({ key }) => key), choice?.key, levels, level]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#cell = undefined;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.getAttribute('name') : null;
    const options = all.map((id, at) => ({ value: id, label: `${at + 1}: ${this.#nameOf(id)}` }));
    this.#runs.replaceChildren(
      select(t('Left'), 'left', options, left ?? '', (id) => { this.#context.setView({ left: id, ...(id === right && left !== undefined && { right: left }) }); }),
      select(t('Right'), 'right', options, right ?? '', (id) => { this.#context.setView({ right: id, ...(id === left && right !== undefined && { left: right }) }); }),
      button(t('Swap'), () => { if (left !== undefined && right !== undefined) this.#context.setView({ left: right, right: left }); }),
    );
    const choose = choice === undefined ? undefined : kindControl(choices, choice, (mask) => { this.#context.setView({ mask }); });
    const parts = choice === undefined ? [element('p', { class: 'empty' }, t('The two runs recorded no mask of the same kind.'))] : [this.#methodControl(), choose, levelControl(levels, level, (name) => { this.#context.setView({ level: name }); })];
    this.#choosers.replaceChildren(...parts.filter((part) => part !== undefined));
    if (focused !== null) [...this.node.querySelectorAll<HTMLElement>('[name]:is(select,:checked)')].find((node) => node.getAttribute('name') === focused)?.focus();
  }

  #methodControl(): HTMLElement | undefined {
    const { choices = [], choice } = this.#controls ?? {};
    const methods = [...new Set(choices.map(({ method }) => method))];
    if (methods.length < 2 || choice === undefined) return undefined;
    const titleOf = (method: string): string => [...this.#context.models.values()][0]?.titleOf(method) ?? method;
    return select(t('Method'), 'method', methods.map((method) => ({ value: method, label: titleOf(method) })), choice.method, (method) => {
      const first = choices.find((one) => one.method === method);
      if (first !== undefined) this.#context.setView({ mask: first.key });
    });
  }

  #drawPanes({ left, right, pairs, image }: Shown): void {
    const { left: leftId = '', right: rightId = '' } = this.#chosen();
    const [a, b] = [this.#nameOf(leftId), this.#nameOf(rightId)];
    // Runs of one name are told apart by their place.
    const [first, second] = a === b ? [t('{0} (left)', a), t('{0} (right)', b)] : [a, b];
    const grid = pairs.find((pair) => pair.left !== undefined)?.left;
    const frames = pairs.length === 0 ? [{ side: 'left' as const, content: undefined, title: first }, { side: 'right' as const, content: undefined, title: second }] : pairs.flatMap((pair) => [
      { side: 'left' as const, content: pair.left, title: first, pair }, { side: 'right' as const, content: pair.right, title: second, pair },
      ...(pair.difference === undefined ? [] : [{ side: 'right' as const, content: pair.difference, title: t('Right less left'), pair }]),
    ]);
    const theme = this.#context.theme();
    this.#row.draw(frames.map(({ side, content, title, ...rest }) => {
      const recorded = (side === 'left' ? left : right).index.images[image];
      if (recorded === undefined) return undefined;
      const isDifference = content?.role === 'difference' && 'pair' in rest && content === rest.pair.difference;
      const classes = this.#context.models.get(side === 'left' ? leftId : rightId)?.started?.classes ?? [];
      const boxes = { score: 0.3, boxes: { truth: false, teacher: false, student: this.#context.view().boxes && !isDifference } };
      return {
        title, caption: isDifference ? t('Orange where {0} has more, blue where it has less.', second) : content?.caption ?? clip(recorded.id, 60), value: valueText(content, this.#cell),
        size: recorded, bitmap: this.#store(side)?.image(recorded.file), viewport: this.#viewport, theme, cell: this.#cell, grid: content ?? grid,
        ...(content !== undefined && { mask: this.#layer(content, isDifference ? [content] : 'pair' in rest ? [rest.pair.left, rest.pair.right] : [content]) }),
        over: (pen: CanvasRenderingContext2D, placement: Placement) => { drawBoxes(pen, recorded, classes, boxes, placement, theme); },
      };
    }));
  }

  #layer(content: PaneContent, twins: readonly (PaneContent | undefined)[]): MaskLayer {
    const { sameScale, opacity, colours } = this.#context.view();
    const { sequential, diverging } = this.#tables.of(colours, this.#context.theme());
    const scale: Scale = scaleOf((sameScale ? twins.filter((twin) => twin !== undefined) : [content]).map(({ values }) => values), content.signed);
    return { values: content.values, shape: content.shape, stride: content.stride, scale, colours: content.signed ? diverging : sequential, opacity };
  }

  #size(): { readonly width: number; readonly height: number } {
    return this.#shown?.left.index.images[this.#shown.image] ?? { width: 1, height: 1 };
  }

  #listen(canvas: HTMLCanvasElement): void {
    listenToPane(canvas, {
      viewport: () => this.#viewport,
      setViewport: (viewport) => { this.#viewport = viewport; this.redraw(); },
      size: () => this.#size(),
      point: (at) => { this.#point(at); },
    });
  }

  #grid(): PaneContent | undefined {
    return this.#shown?.pairs.find(({ left }) => left !== undefined)?.left;
  }

  #point(at: { readonly x: number; readonly y: number } | undefined): void {
    const grid = this.#grid();
    this.#cell = at === undefined || grid === undefined ? undefined : cellAt(at, cellSize(this.#size(), grid.shape, grid.stride), grid.shape);
    this.redraw();
  }

  #zoom(factor: number): void {
    this.#viewport = factor === 0 ? WHOLE : zoomAt(this.#viewport, factor, this.#viewport);
    this.redraw();
  }

  #key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.#row.node) return false;
    switch (event.key) {
      case 'ArrowLeft': return this.#move(0, -1);
      case 'ArrowRight': return this.#move(0, 1);
      case 'ArrowUp': return this.#move(-1, 0);
      case 'ArrowDown': return this.#move(1, 0);
      default: return answerMaskKey(event.key, {
        zoom: (factor) => { this.#zoom(factor); }, player: this.#player, changeImage: (by) => { this.#changeImage(by); }, nextLevel: () => { this.#nextLevel(); },
      });
    }
  }

  #changeImage(by: number): void {
    if (this.#shown === undefined) return;
    const { left, right } = this.#shown;
    const count = Math.min(left.index.images.length, right.index.images.length);
    const image = (Math.min(this.#context.view().image, count - 1) + by + count) % count;
    this.#context.setView({ image });
    this.#context.announce(t('Image {0}, {1}', image + 1, clip(left.index.images[image]?.id ?? '', 60)));
  }

  #nextLevel(): void {
    const { levels = [], level = '' } = this.#controls ?? {};
    const next = levels[(levels.findIndex(({ name }) => name === (this.#context.view().level ?? level)) + 1) % levels.length];
    if (next !== undefined) this.#context.setView({ level: next.name });
  }

  #move(rows: number, columns: number): boolean {
    const grid = this.#grid();
    if (grid === undefined) return false;
    this.#cell = neighbour(this.#cell, grid.shape, rows, columns);
    this.#viewport = revealCell(this.#viewport, this.#cell, this.#size(), cellSize(this.#size(), grid.shape, grid.stride));
    this.draw();
    this.#context.announce(`${t('row {0}, column {1}', this.#cell.row + 1, this.#cell.column + 1)}: ${this.#row.describe()}`);
    return true;
  }
}

function valueText(content: PaneContent | undefined, cell: Cell | undefined): string {
  return content === undefined || cell === undefined ? '' : formatValue(valueAt({ at: 'cell', cell }, content));
}
