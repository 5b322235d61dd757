/** The mask viewer: choosers, panes on one image, time. Holds what is chosen; the drawing is in the panes. */
import { type BandContext } from '../curves/band.ts';
import { button, element, perFrame, setText, show } from '../dom.ts';
import { masksWaiting } from '../empty.ts';
import { clip, formatAp, formatCount } from '../format.ts';
import { without } from '../looks.ts';
import { type PictureMark } from '../model.ts';
import { type ViewState } from '../state.ts';
import { type ToHost } from '../contract.ts';
import { Bars } from './bars.ts';
import { type RecordedImage, describeBoxes, drawBoxes } from './boxes.ts';
import { ColourTables } from './colours.ts';
import { BoxControls, TimeControl, VIEWER_KEYS, kindControl, levelControl, lookControls, methodControl } from './controls.ts';
import { type Cell, type Viewport, WHOLE, cellSize, neighbour, revealCell, zoomAt } from './geometry.ts';
import { type Look, type Spot, boxLayer, maskLayer, matrixSize, spotAt, spotText, valueAt } from './layers.ts';
import { type PaneFrame } from './pane.ts';
import { listenToPane } from './pointer.ts';
import { ALL_LEVELS, type MaskChoice, type PaneContent, choicesOf, levelsOf, panesOf } from './selection.ts';
import { answerMaskKey } from './keys.ts';
import { Player } from './player.ts';
import { recordingsOf } from './recordings.ts';
import { PaneRow } from './row.ts';
import { PictureStore, type RecordedStep } from './store.ts';
import { Strip } from './strip.ts';
import { nextRow, valuedBoxes } from './valued.ts';
import { t } from '../words.ts';

const HINT = t('double-click or Ctrl + wheel to zoom, drag to move · keys on the panes: arrows for cells, + − 0 for zoom, comma and full stop for steps, space to play, [ ] for images, L for the level');

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
  readonly #row = new PaneRow(t('Masks'), (canvas, index) => { this.#listen(canvas, index); });
  readonly #player: Player<PictureMark>;
  readonly #strip: Strip;
  readonly #bars: Bars;
  readonly #time: TimeControl;
  readonly #page: HTMLButtonElement;
  readonly #tables = new ColourTables();
  #boxes: BoxControls | undefined;
  /** Of no use to a run that recorded images only. */
  #maskLooks: readonly HTMLElement[] = [];
  #signature = '';
  #viewport: Viewport = WHOLE;
  /** A matrix is no picture: it is zoomed by itself. */
  #matrixViewport: Viewport = WHOLE;
  #spot: Spot | undefined;
  #chosen: Chosen | undefined;
  #lastStep: RecordedStep | undefined;

  constructor(context: BandContext, send: (message: ToHost) => void) {
    this.#context = context;
    this.#send = send;
    this.store = new PictureStore(send, () => { this.redraw(); });
    this.#player = new Player({
      all: () => recordingsOf(context.model), view: () => context.view(),
      show: (step) => { context.replaceView(step === undefined ? without(context.view(), 'pictureStep') : { ...context.view(), pictureStep: step }); },
      changed: () => { this.redraw(); }, prepare: ({ folder }) => { this.store.step(folder); },
    });
    this.#strip = new Strip((image) => { this.#change({ image }); }, (file) => this.store.image(file));
    this.#bars = new Bars(context.announce);
    this.#time = new TimeControl({ go: (position) => { this.#player.choose(position); }, play: () => { this.#player.toggle(); }, zoom: (factor) => { this.#zoom(factor); }, whole: () => { this.#zoom(0); } });
    this.#page = button(t('How this method works'), () => { if (this.#chosen?.choice !== undefined) this.#send({ type: 'methodPage', method: this.#chosen.choice.method }); }, { class: 'link' });
    this.#viewer.append(this.#choosers, element('div', { class: 'stage' }, this.#row.node, this.#bars.node), this.#page, this.#time.node, this.#looks, element('p', { class: 'hint' }, HINT));
    this.node = element('section', { class: 'band masks', 'aria-label': t('Masks') }, element('h2', {}, t('Masks')), this.#waiting, this.#strip.node, this.#viewer);
    this.#row.node.addEventListener('keydown', (event) => { if (this.#key(event)) event.preventDefault(); });
    new ResizeObserver(() => { this.redraw(); }).observe(this.#row.node);
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

  draw(): void {
    const recorded = recordingsOf(this.#context.model);
    const position = this.#player.position(recorded);
    const mark = recorded[position];
    const step = mark === undefined ? undefined : this.store.step(mark.folder);
    if (step !== undefined) this.#lastStep = step;
    if (mark === undefined) this.#lastStep = undefined;
    // While the next step is on its way the one before stays, so that playing does not flicker.
    const shown = step ?? this.#lastStep;
    this.#time.show(recorded.map((item) => item.step), Math.max(0, position), this.#player.playing, mark === undefined ? '' : this.#resultAt(mark));
    show(this.#viewer, shown !== undefined);
    show(this.#strip.node, shown !== undefined);
    show(this.#waiting, shown === undefined);
    setText(this.#waiting, mark === undefined ? masksWaiting(this.#context.model, this.#context.header()) : t('Masks of step {0} are being read.', formatCount(mark.step)));
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
    const titleOf = (method: string): string => this.#context.model.titleOf(method);
    const signature = JSON.stringify([choices.map(({ key }) => key), choice?.key, level, levels, choices.map(({ method }) => titleOf(method))]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#spot = undefined;
    const pick = (mask: string): void => { this.#change({ mask }); };
    const { activeElement } = document;
    const focused = activeElement instanceof HTMLInputElement || activeElement instanceof HTMLSelectElement ? activeElement.name : undefined;
    if (choice === undefined) this.#choosers.replaceChildren();
    else {
      const parts = [methodControl(choices, choice, titleOf, pick), kindControl(choices, choice, pick), levelControl(levels, level, (name) => { this.#change({ level: name }); })];
      this.#choosers.replaceChildren(...parts.filter((part) => part !== undefined));
      setText(this.#page, t('How {0} works', titleOf(choice.method)));
    }
    // Choosing by keyboard must not lose its place when the choosers are made anew.
    if (focused === 'method' || focused === 'level' || focused === 'mask') this.#choosers.querySelector<HTMLElement>(`input[name="${focused}"]:checked, select[name="${focused}"]`)?.focus();
    show(this.#page, choice !== undefined && !this.#readOnly);
  }

  /** A plain training run has nobody to learn from. */
  get #hasTeacher(): boolean {
    return (this.#context.model.started?.methods.length ?? 0) > 0;
  }

  get #readOnly(): boolean {
    return document.body.classList.contains('report');
  }

  #drawPanes(chosen: Chosen): void {
    const theme = this.#context.theme();
    const view = this.#context.view();
    const { choice, panes, image } = chosen;
    this.#boxes?.paint(theme, this.#hasTeacher, choice === undefined || choice.form === 'bars' || choice.form === 'matrix');
    for (const look of this.#maskLooks) show(look, choice !== undefined);
    // Only a map has something under it.
    const [opacity] = this.#maskLooks;
    if (opacity !== undefined) show(opacity, choice?.form === 'map');
    show(this.#choosers, choice !== undefined);
    const shown = choice === undefined || choice.form === 'bars' ? [] : panes;
    show(this.#bars.node, choice?.form === 'bars');
    if (choice?.form === 'bars') this.#bars.show(panes, theme, view.sameScale);
    const bitmap = this.store.image(image.file);
    const common = { theme, cell: this.#spot?.at === 'cell' ? this.#spot.cell : undefined };
    const onImage = { ...common, size: image, bitmap, viewport: this.#viewport };
    const classes = this.#context.model.started?.classes ?? [];
    const over: PaneFrame['over'] = (pen, placement) => { drawBoxes(pen, image, classes, view, placement, theme); };
    const first: PaneFrame = {
      ...onImage, title: t('Image'), caption: `${clip(image.id, 60)}: ${describeBoxes(image, view.score ?? 0, this.#hasTeacher)}`,
      value: spotText(this.#spot, undefined, choice?.form), grid: choice?.form === 'map' ? shown[0] : undefined,
      over,
    };
    const look: Look = { ...this.#tables.of(view.colours, theme), sameScale: view.sameScale, opacity: view.opacity };
    this.#row.draw([first, ...shown.map((pane) => {
      const words = { title: pane.title, caption: pane.caption, value: spotText(this.#spot, pane, choice?.form), pointed: valueAt(this.#spot, pane) };
      return { ...words, ...this.#contentFrame(pane, shown, look, { common, onImage }), ...(view.boxes.everywhere === true && pane.form !== 'matrix' && { over }) };
    })]);
    const of = choice?.title ?? t('none');
    this.#row.node.setAttribute('aria-label', chosen.level === ALL_LEVELS || chosen.level === '' ? t('Masks, {0}', of) : t('Masks, {0}, level {1}', of, chosen.level));
    this.#row.node.setAttribute('aria-description', choice?.form === 'boxes' ? t('Arrow keys go from box to box. {0}', VIEWER_KEYS) : t('Arrow keys go from cell to cell. {0}', VIEWER_KEYS));
  }

  /** Maps and boxes lie on the image; a matrix is drawn for itself, a pixel a cell. */
  #contentFrame(pane: PaneContent, all: readonly PaneContent[], look: Look, { common, onImage }: { readonly common: Pick<PaneFrame, 'theme' | 'cell'>; readonly onImage: Pick<PaneFrame, 'theme' | 'cell' | 'size' | 'bitmap' | 'viewport'> }): Omit<PaneFrame, 'title' | 'caption' | 'value'> {
    if (pane.form === 'boxes') return { ...onImage, grid: undefined, boxes: boxLayer(pane, all, look, this.#spot) };
    const mask = maskLayer(pane, all, look);
    return pane.form === 'matrix' ? { ...common, size: matrixSize(pane), bitmap: undefined, viewport: this.#matrixViewport, mask, grid: mask } : { ...onImage, mask, grid: pane };
  }

  get #ofMatrix(): boolean {
    return this.#chosen?.choice?.form === 'matrix';
  }

  #listen(canvas: HTMLCanvasElement, index: number): void {
    // The image beside a matrix stays an image.
    const isMatrix = (): boolean => index > 0 && this.#ofMatrix;
    listenToPane(canvas, {
      viewport: () => (isMatrix() ? this.#matrixViewport : this.#viewport),
      setViewport: (viewport) => { this.#look(viewport, isMatrix()); },
      size: () => {
        const grid = this.#grid();
        return isMatrix() && grid !== undefined ? matrixSize(grid) : this.#chosen?.image ?? { width: 1, height: 1 };
      },
      point: (at) => { this.#point(at, isMatrix()); },
    });
  }

  /** What has cells: maps, or matrices. */
  #grid(): PaneContent | undefined {
    return this.#chosen?.panes.find(({ form }) => form === 'map' || form === 'matrix');
  }

  #point(at: { readonly x: number; readonly y: number } | undefined, inMatrix: boolean): void {
    this.#spot = at === undefined || this.#chosen === undefined ? undefined : spotAt(at, this.#chosen.choice?.form, this.#chosen.image, this.#grid(), inMatrix);
    this.redraw();
  }

  #zoom(factor: number): void {
    const view = this.#ofMatrix ? this.#matrixViewport : this.#viewport;
    this.#look(factor === 0 ? WHOLE : zoomAt(view, factor, view), this.#ofMatrix);
  }

  #look(viewport: Viewport, atMatrix: boolean): void {
    if (atMatrix) this.#matrixViewport = viewport;
    else this.#viewport = viewport;
    this.redraw();
  }

  #key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.#row.node) return false;
    const moves: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (move !== undefined) return this.#chosen?.choice?.form === 'boxes' ? this.#moveRow(move[0] + move[1]) : this.#moveCell(move[0], move[1]);
    return answerMaskKey(event.key, {
      zoom: (factor) => { this.#zoom(factor); }, player: this.#player, changeImage: (by) => { this.#changeImage(by); }, nextLevel: () => { this.#nextLevel(); },
    });
  }

  #changeImage(by: number): void {
    const chosen = this.#chosen;
    if (chosen === undefined) return;
    const { images } = chosen.step.index;
    // Of the view, not of what was drawn last: keys may repeat faster than frames.
    const image = (Math.min(this.#context.view().image, images.length - 1) + by + images.length) % images.length;
    this.#change({ image });
    this.#context.announce(t('Image {0}, {1}', image + 1, clip(images[image]?.id ?? '', 60)));
  }

  #nextLevel(): void {
    const chosen = this.#chosen;
    if (chosen?.choice === undefined) return;
    const levels = levelsOf(chosen.step.index, chosen.choice);
    const next = levels[(levels.findIndex(({ name }) => name === (this.#context.view().level ?? chosen.level)) + 1) % levels.length];
    if (next !== undefined) this.#change({ level: next.name });
  }

  /** The student's AP at a recorded step, if it was measured by then: what the masks made of it. */
  #resultAt({ arm, step }: PictureMark): string {
    const measured = this.#context.model.evaluations.get(arm)?.findLast((evaluation) => evaluation.step <= step);
    return measured === undefined || !(measured.metrics.AP >= 0) ? '' : `AP ${formatAp(measured.metrics.AP)}`;
  }

  #moveCell(rows: number, columns: number): boolean {
    const grid = this.#grid();
    if (grid === undefined) return false;
    const cell = neighbour(this.#spot?.at === 'cell' ? this.#spot.cell : undefined, grid.shape, rows, columns);
    this.#keepInSight(cell, grid);
    return this.#goTo({ at: 'cell', cell });
  }

  #keepInSight(cell: Cell, grid: PaneContent): void {
    const image = this.#chosen?.image;
    const size = this.#ofMatrix || image === undefined ? matrixSize(grid) : image;
    const side = this.#ofMatrix || image === undefined ? 1 : cellSize(image, grid.shape, grid.stride);
    if (this.#ofMatrix) this.#matrixViewport = revealCell(this.#matrixViewport, cell, size, side);
    else this.#viewport = revealCell(this.#viewport, cell, size, side);
  }

  #moveRow(step: number): boolean {
    const row = nextRow((this.#chosen?.panes ?? []).map(valuedBoxes), this.#spot?.at === 'row' ? this.#spot.row : undefined, step);
    return row === undefined ? false : this.#goTo({ at: 'row', row });
  }

  #goTo(spot: Spot): boolean {
    this.#spot = spot;
    this.draw();
    this.#context.announce(this.#row.describe());
    return true;
  }
}
