/** Pointer, wheel and keys over the panes: one cell, one zoom and pan for all of them. */
import { type Placement, type Size, type Viewport, WHOLE, place, within, zoomAt } from './geometry.ts';

export interface PaneActions {
  viewport(): Viewport;
  setViewport(view: Viewport): void;
  /** Of the image, or of the matrix, that lies in the pane. */
  size(): Size;
  /** Image pixels, or cells of a matrix, under the pointer. */
  point(at: { readonly x: number; readonly y: number } | undefined): void;
}

const WHEEL_SPEED = 0.0022;

export function listenToPane(canvas: HTMLCanvasElement, actions: PaneActions): void {
  const placement = (): Placement & Size => {
    const { width, height } = actions.size();
    return { ...place({ width, height }, { width: canvas.clientWidth || 1, height: canvas.clientHeight || 1 }, actions.viewport()), width, height };
  };
  const imagePoint = (event: PointerEvent | WheelEvent | MouseEvent): { x: number; y: number } => {
    const { scale, left, top } = placement();
    return { x: (event.offsetX - left) / scale, y: (event.offsetY - top) / scale };
  };
  const fraction = (event: WheelEvent | MouseEvent): { x: number; y: number } => {
    const { width, height } = placement();
    const point = imagePoint(event);
    return { x: point.x / width, y: point.y / height };
  };
  let dragged: { readonly x: number; readonly y: number } | undefined;
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || actions.viewport().scale === 1) return;
    dragged = { x: event.offsetX, y: event.offsetY };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (dragged !== undefined) {
      const { scale, width, height } = placement();
      const view = actions.viewport();
      actions.setViewport(within({ ...view, x: view.x - (event.offsetX - dragged.x) / scale / width, y: view.y - (event.offsetY - dragged.y) / scale / height }));
      dragged = { x: event.offsetX, y: event.offsetY };
    }
    actions.point(imagePoint(event));
  });
  const drop = (): void => { dragged = undefined; };
  canvas.addEventListener('pointerup', drop);
  canvas.addEventListener('pointercancel', drop);
  canvas.addEventListener('pointerleave', () => { actions.point(undefined); });
  canvas.addEventListener('dblclick', (event) => { actions.setViewport(actions.viewport().scale > 1 ? WHOLE : zoomAt(WHOLE, 2.5, fraction(event))); });
  // Without a modifier the wheel scrolls the page; pinching arrives as a wheel with Ctrl.
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    actions.setViewport(zoomAt(actions.viewport(), Math.exp(-event.deltaY * WHEEL_SPEED), fraction(event)));
  }, { passive: false });
}
