/** The mask viewer: choosers, panes on one image, time. Holds what is chosen; the drawing is in the panes. */
import { type BandContext } from '../curves/band.ts';
import { button, element, perFrame, setText, show } from '../dom.ts';
import { masksWaiting } from '../empty.ts';
import { clip, formatCount } from '../format.ts';
import { type PictureMark } from '../model.ts';
import { type ViewState, without } from '../state.ts';
import { type ToHost } from '../contract.ts';
import { methodTitle } from '../curves/charts.ts';
import { Bars } from './bars.ts';
import { type RecordedImage, describeBoxes, drawBoxes } from './boxes.ts';
import { type ColourTable, type Scale, divergingTable, scaleOf, sequentialTable } from './colours.ts';
import { BoxControls, TimeControl, kindControl, levelControl, lookControls, methodControl } from './controls.ts';
import { type Cell, type Viewport, WHOLE, cellAt, cellSize, place, zoomAt } from './geometry.ts';
import { Pane, type MaskLayer } from './pane.ts';
import { listenToPane } from './pointer.ts';
import { type MaskChoice, type PaneContent, choicesOf, levelsOf, panesOf } from './selection.ts';
import { PictureStore, type RecordedStep } from './store.ts';
import { Strip } from './strip.ts';

/** Milliseconds a step while playing. */
const TEMPO = 700;

interface Chosen {
  readonly step: RecordedStep;
  readonly image: RecordedImage;
  readonly imageIndex: number;
  readonly choices: readonly MaskChoice[];
  readonly choice: MaskChoice | undefined;
  readonly level: string;
  readonly panes: readonly PaneContent[];
}

export class MasksBand {
  readonly node: HTMLElement;
  readonly redraw = perFrame(() => { this.draw(); });
  readonly store: PictureStore;
  readonly #context: BandContext;
  readonly #send: (message: ToHost) => void;
  readonly #waiting = element('p', { class: 'empty' });
  readonly #viewer = element('div', { class: 'viewer' });
  readonly #choosers = element('div', { class: 'tools' });
  readonly #looks = element('div', { class: 'tools' });
  readonly #row = element('div', { class: 'panes', role: 'group', tabindex: 0, 'aria-label': 'Masks', 'aria-description': 'Arrow keys go from cell to cell, plus and minus zoom, 0 shows the whole image, comma and full stop change the step.' });
  readonly #strip: Strip;
  readonly #bars: Bars;
  readonly #time: TimeControl;
  readonly #page: HTMLButtonElement;
  #boxes: BoxControls | undefined;
  /** Of no use to a run that recorded images only. */
  #maskLooks: readonly HTMLElement[] = [];
  #panes: Pane[] = [];
  #signature = '';
  #viewport: Viewport = WHOLE;
  #cell: Cell | undefined;
  #chosen: Chosen | undefined;
  #lastStep: RecordedStep | undefined;
  #timer: number | undefined;
  #tables: { readonly key: string; readonly sequential: ColourTable; readonly diverging: ColourTable } | undefined;

  constructor(context: BandContext, send: (message: ToHost) => void) {
    this.#context = context;
    this.#send = send;
    this.store = new PictureStore(send, () => { this.redraw(); });
    this.#strip = new Strip((image) => { this.#change({ image }); }, (file) => this.store.image(file));
    this.#bars = new Bars(context.announce);
    this.#time = new TimeControl({ go: (position) => { this.#stop(); this.#go(position); }, play: () => { this.#togglePlay(); }, zoom: (factor) => { this.#zoom(factor); }, whole: () => { this.#zoom(0); } });
    this.#page = button('How this method works', () => { if (this.#chosen?.choice !== undefined) this.#send({ type: 'methodPage', method: this.#chosen.choice.method }); }, { class: 'link' });
    this.#viewer.append(this.#choosers, element('div', { class: 'stage' }, this.#row, this.#bars.node), this.#time.node, this.#looks, this.#page);
    this.node = element('section', { class: 'band masks', 'aria-label': 'Masks' }, element('h2', {}, 'Masks'), this.#waiting, this.#strip.node, this.#viewer);
    this.#row.addEventListener('keydown', (event) => { if (this.#key(event)) event.preventDefault(); });
    new ResizeObserver(() => { this.redraw(); }).observe(this.#row);
    this.buildLooks();
  }

  /** Also after another run's view was taken. */
  buildLooks(): void {
    this.#boxes = new BoxControls(this.#context.view(), (change) => { this.#change(change); });
    this.#maskLooks = lookControls(this.#context.view(), (change) => { this.#change(change); });
    this.#looks.replaceChildren(...this.#maskLooks, this.#boxes.node);
    this.#signature = '';
  }

  #change(change: Partial<ViewState>): void {
    this.#context.setView(change);
    this.redraw();
  }

  /** Recorded steps of the student, or of the first arm that recorded any. */
  #recorded(): PictureMark[] {
    const { pictures } = this.#context.model;
    const arm = pictures.some((mark) => mark.arm === 'student') ? 'student' : pictures[0]?.arm;
    const latest = new Map(pictures.filter((mark) => mark.arm === arm).map((mark) => [mark.step, mark]));
    return [...latest.values()].sort((a, b) => a.step - b.step);
  }

  /** Index into the recorded steps: the one that was chosen, else always the newest. */
  #position(recorded: readonly PictureMark[]): number {
    const { pictureStep } = this.#context.view();
    if (pictureStep === undefined) return recorded.length - 1;
    const at = recorded.findIndex((mark) => mark.step >= pictureStep);
    return at < 0 ? recorded.length - 1 : at;
  }

  #go(position: number): void {
    const recorded = this.#recorded();
    const mark = recorded[position];
    if (mark === undefined) return;
    // The last one means "the newest", so that the viewer follows the run again.
    if (position === recorded.length - 1 && this.#timer === undefined) this.#context.replaceView(without(this.#context.view(), 'pictureStep'));
    else this.#context.setView({ pictureStep: mark.step });
    this.redraw();
  }

  #togglePlay(): void {
    if (this.#timer !== undefined) {
      this.#stop();
      this.redraw();
      return;
    }
    const first = this.#position(this.#recorded()) >= this.#recorded().length - 1;
    this.#timer = window.setInterval(() => { this.#advance(); }, TEMPO);
    if (first) this.#go(0);
    else this.#advance();
  }

  #advance(): void {
    const recorded = this.#recorded();
    const next = this.#position(recorded) + 1;
    if (next >= recorded.length) {
      this.#stop();
      this.redraw();
      return;
    }
    this.#go(next);
    const after = recorded[next + 1];
    if (after !== undefined) this.store.step(after.folder);
  }

  #stop(): void {
    window.clearInterval(this.#timer);
    this.#timer = undefined;
  }

  draw(): void {
    const recorded = this.#recorded();
    const position = this.#position(recorded);
    const mark = recorded[position];
    const step = mark === undefined ? undefined : this.store.step(mark.folder);
    if (step !== undefined) this.#lastStep = step;
    if (mark === undefined) this.#lastStep = undefined;
    // While the next step is on its way the one before stays, so that playing does not flicker.
    const shown = step ?? this.#lastStep;
    this.#time.show(recorded.map((item) => item.step), Math.max(0, position), this.#timer !== undefined);
    show(this.#viewer, shown !== undefined);
    show(this.#strip.node, shown !== undefined);
    show(this.#waiting, shown === undefined);
    setText(this.#waiting, mark === undefined ? masksWaiting(this.#context.model, this.#context.header()) : `Masks of step ${formatCount(mark.step)} are being read.`);
    this.#chosen = shown === undefined ? undefined : this.#choose(shown);
    if (this.#chosen === undefined) return;
    this.#strip.show(this.#chosen.step.index.images, this.#chosen.imageIndex);
    this.#arrange(this.#chosen);
    this.#drawPanes(this.#chosen);
  }

  #choose(step: RecordedStep): Chosen | undefined {
    const view = this.#context.view();
    const imageIndex = Math.min(view.image, step.index.images.length - 1);
    const image = step.index.images[imageIndex];
    if (image === undefined) return undefined;
    const choices = choicesOf(step.index);
    // A kind that compares teacher and student is the first thing to look at.
    const choice = choices.find(({ key }) => key === view.mask) ?? choices.find(({ form, kinds }) => form === 'map' && kinds.length === 1) ?? choices[0];
    const levels = choice === undefined ? [] : levelsOf(step.index, choice);
    const level = levels.find(({ name }) => name === view.level)?.name ?? levels[0]?.name ?? '';
    const panes = choice === undefined ? [] : panesOf(step.index, step.values, choice, level, imageIndex);
    return { step, image, imageIndex, choices, choice, level, panes };
  }

  #arrange({ step, choices, choice, level }: Chosen): void {
    const levels = choice === undefined ? [] : levelsOf(step.index, choice);
    const signature = JSON.stringify([choices.map(({ key }) => key), choice?.key, level, levels]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    const pick = (mask: string): void => { this.#change({ mask }); };
    const focused = document.activeElement instanceof HTMLInputElement ? document.activeElement.name : undefined;
    if (choice === undefined) this.#choosers.replaceChildren();
    else {
      const parts = [methodControl(choices, choice, pick), kindControl(choices, choice, pick), levelControl(levels, level, (name) => { this.#change({ level: name }); })];
      this.#choosers.replaceChildren(...parts.filter((part) => part !== undefined));
      setText(this.#page, `How ${methodTitle(choice.method)} works`);
    }
    // Choosing by arrow keys must not lose its place when the choosers are made anew.
    if (focused === 'method' || focused === 'level') this.#choosers.querySelector<HTMLInputElement>(`input[name="${focused}"]:checked`)?.focus();
    show(this.#page, choice !== undefined && !this.#readOnly);
  }

  /** A plain training run has nobody to learn from. */
  get #hasTeacher(): boolean {
    return (this.#context.model.started?.methods.length ?? 0) > 0;
  }

  get #readOnly(): boolean {
    return document.body.classList.contains('report');
  }

  #colourTables(): { readonly sequential: ColourTable; readonly diverging: ColourTable } {
    const theme = this.#context.theme();
    const { colours } = this.#context.view();
    const key = JSON.stringify([colours, theme.backgroundRgb, theme.differenceEnds]);
    if (this.#tables?.key !== key) this.#tables = { key, sequential: sequentialTable(colours), diverging: divergingTable(theme.differenceEnds[0], theme.backgroundRgb, theme.differenceEnds[1]) };
    return this.#tables;
  }

  #drawPanes(chosen: Chosen): void {
    const theme = this.#context.theme();
    const view = this.#context.view();
    const { choice, panes, image } = chosen;
    this.#boxes?.paint(theme, this.#hasTeacher);
    for (const look of this.#maskLooks) show(look, choice !== undefined);
    show(this.#choosers, choice !== undefined);
    const maps = choice?.form === 'map' ? panes.filter((pane) => pane.shape.length === 2) : [];
    show(this.#bars.node, choice?.form === 'bars');
    if (choice?.form === 'bars') this.#bars.show(panes, theme, view.sameScale);
    this.#count(1 + maps.length);
    const bitmap = this.store.image(image.file);
    const common = { size: image, bitmap, viewport: this.#viewport, theme, cell: this.#cell, grid: maps[0] };
    const classes = this.#context.model.started?.classes ?? [];
    this.#panes[0]?.draw({
      ...common, title: 'Image', caption: `${clip(image.id, 60)}: ${describeBoxes(image, view.score ?? 0, this.#hasTeacher)}`,
      over: (pen, placement) => { drawBoxes(pen, image, classes, view, placement, theme); },
    });
    maps.forEach((pane, index) => this.#panes[index + 1]?.draw({ ...common, title: pane.title, caption: pane.caption, mask: this.#layer(pane, maps) }));
    this.#row.setAttribute('aria-label', `Masks, ${choice?.title ?? 'none'}, level ${chosen.level || 'none'}`);
  }

  #layer(pane: PaneContent, all: readonly PaneContent[]): MaskLayer {
    const view = this.#context.view();
    const { sequential, diverging } = this.#colourTables();
    const twins = all.filter((other) => !other.signed && (other.role === 'teacher' || other.role === 'student'));
    const shared = view.sameScale && twins.includes(pane);
    const scale: Scale = scaleOf(shared ? twins.map((twin) => twin.values) : [pane.values], pane.signed);
    return { values: pane.values, shape: pane.shape, stride: pane.stride, scale, colours: pane.signed ? diverging : sequential, opacity: view.opacity };
  }

  #count(count: number): void {
    if (this.#panes.length === count) return;
    while (this.#panes.length < count) {
      const pane = new Pane();
      listenToPane(pane.canvas, {
        viewport: () => this.#viewport,
        setViewport: (viewport) => { this.#viewport = viewport; this.redraw(); },
        placement: (canvas) => {
          const size = this.#chosen?.image ?? { width: 1, height: 1 };
          return { ...place(size, { width: canvas.clientWidth || 1, height: canvas.clientHeight || 1 }, this.#viewport), width: size.width, height: size.height };
        },
        point: (at) => { this.#point(at); },
      });
      this.#panes.push(pane);
    }
    this.#panes.length = count;
    this.#row.replaceChildren(...this.#panes.map((pane) => pane.node));
    this.#row.dataset.count = String(Math.min(4, count));
  }

  #grid(): PaneContent | undefined {
    return this.#chosen?.panes.find((pane) => pane.shape.length === 2);
  }

  #point(at: { readonly x: number; readonly y: number } | undefined): void {
    const [grid, image] = [this.#grid(), this.#chosen?.image];
    const inside = at !== undefined && image !== undefined && at.x < image.width && at.y < image.height;
    this.#cell = inside && grid !== undefined ? cellAt(at, cellSize(image, grid.shape, grid.stride), grid.shape) : undefined;
    this.redraw();
  }

  #zoom(factor: number): void {
    this.#viewport = factor === 0 ? WHOLE : zoomAt(this.#viewport, factor, this.#viewport);
    this.redraw();
  }

  #key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.#row) return false;
    const moves: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (move !== undefined) return this.#moveCell(move[0], move[1]);
    switch (event.key) {
      case '+': case '=': this.#zoom(1.6); return true;
      case '-': this.#zoom(1 / 1.6); return true;
      case '0': case 'Escape': this.#zoom(0); return true;
      case ',': this.#go(Math.max(0, this.#position(this.#recorded()) - 1)); return true;
      case '.': this.#go(this.#position(this.#recorded()) + 1); return true;
      default: return false;
    }
  }

  #moveCell(rows: number, columns: number): boolean {
    const grid = this.#grid();
    if (grid === undefined) return false;
    const [height = 1, width = 1] = grid.shape;
    const { row, column } = this.#cell ?? { row: Math.floor(height / 2), column: Math.floor(width / 2) };
    this.#cell = { row: Math.max(0, Math.min(height - 1, row + rows)), column: Math.max(0, Math.min(width - 1, column + columns)) };
    this.draw();
    this.#context.announce(this.#panes.map((pane) => pane.describe()).join(', '));
    return true;
  }
}
