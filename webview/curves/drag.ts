/** A range drawn with the pointer over a plot: what is under it becomes the whole. */
import { element, show } from '../dom.ts';

export interface DragArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Fewer pixels are a click that trembled. */
const THRESHOLD = 6;

/** @returns the element that shows the range, to be put over the canvas */
export function listenToDrag(canvas: HTMLCanvasElement, area: () => DragArea, chosen: (from: number, to: number) => void): HTMLElement {
  const marked = element('div', { class: 'drag-range', hidden: true });
  let begin: number | undefined;
  const within = (x: number): number => Math.max(area().left, Math.min(area().right, x));
  const end = (): void => {
    begin = undefined;
    show(marked, false);
  };
  canvas.addEventListener('pointerdown', (event) => {
    const { left, right } = area();
    if (event.button !== 0 || event.offsetX < left || event.offsetX > right) return;
    begin = event.offsetX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (begin === undefined) return;
    const [from, to] = [Math.min(begin, within(event.offsetX)), Math.max(begin, within(event.offsetX))];
    const { top, bottom } = area();
    Object.assign(marked.style, { left: `${from}px`, width: `${to - from}px`, top: `${top}px`, height: `${bottom - top}px` });
    show(marked, to - from >= THRESHOLD);
  });
  canvas.addEventListener('pointerup', (event) => {
    const from = begin;
    const to = within(event.offsetX);
    end();
    if (from !== undefined && Math.abs(to - from) >= THRESHOLD) chosen(Math.min(from, to), Math.max(from, to));
  });
  canvas.addEventListener('pointercancel', end);
  canvas.ownerDocument.addEventListener('keydown', (event) => { if (event.key === 'Escape') end(); });
  return marked;
}
