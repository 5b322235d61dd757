/** How an original image lies in the network's input, and its boxes with it. */
import { area, clip, type Box, type GroundTruth } from '../engine/boxes.ts';
import { type Size } from './images.ts';
import { type AnnotatedObject } from './sample.ts';

/** Size of the unpadded image within an input of [height, width]. Letterbox keeps the aspect ratio (to the rounding of a pixel). */
export function contentSize(original: Size, [height, width]: readonly [number, number], resize: 'stretch' | 'letterbox'): Size {
  if (resize === 'stretch') return { width, height };
  const ratio = Math.min(width / original.width, height / original.height);
  const side = (length: number, limit: number): number => Math.min(limit, Math.max(1, Math.round(length * ratio)));
  return { width: side(original.width, width), height: side(original.height, height) };
}

/** A window of a resized image, perhaps mirrored, put somewhere into the input. All in input pixels. */
export interface Placement {
  /** Of the whole resized image. */
  readonly resized: Size;
  /** Upper left corner of the window within it. */
  readonly cropX: number;
  readonly cropY: number;
  /** Of the window. */
  readonly width: number;
  readonly height: number;
  readonly flipX: boolean;
  readonly flipY: boolean;
  /** Upper left corner of the window within the input. */
  readonly left: number;
  readonly top: number;
}

/** An object is kept if at least this share of its box is in the window … */
const LEAST_VISIBLE = 0.25;
/** … and both sides of what is left are at least this long, in input pixels. */
const LEAST_SIDE = 1;

/** A box of the original in the input's frame, not clipped. */
function place([x1, y1, x2, y2]: Box, original: Size, placement: Placement): Box {
  const scaleX = placement.resized.width / original.width;
  const scaleY = placement.resized.height / original.height;
  const [a, b] = along(x1 * scaleX - placement.cropX, x2 * scaleX - placement.cropX, placement.width, placement.flipX);
  const [c, d] = along(y1 * scaleY - placement.cropY, y2 * scaleY - placement.cropY, placement.height, placement.flipY);
  return [a, c, b, d];
}

function along(from: number, to: number, length: number, flip: boolean): [number, number] {
  return flip ? [length - to, length - from] : [from, to];
}

/**
 * Objects in the input's frame, clipped to the window. Crowds and difficult ones become ignored regions.
 * @param cropping whether objects of which little is left are dropped; else all are kept
 */
export function placeObjects(objects: readonly AnnotatedObject[], original: Size, placement: Placement, cropping: boolean): GroundTruth {
  const boxes: Box[] = [];
  const labels: number[] = [];
  const ignored: Box[] = [];
  for (const object of objects) {
    const whole = place(object.box, original, placement);
    const seen = clip(whole, placement.width, placement.height);
    if (area(seen) <= 0) continue;
    const box = shift(seen, placement.left, placement.top);
    const skipped = object.crowd || object.difficult;
    if (skipped) ignored.push(box);
    else if (!cropping || enough(whole, seen)) {
      boxes.push(box);
      labels.push(object.label);
    }
  }
  return { boxes, labels, ignored };
}

function enough(whole: Box, seen: Box): boolean {
  return area(seen) >= LEAST_VISIBLE * area(whole) && seen[2] - seen[0] >= LEAST_SIDE && seen[3] - seen[1] >= LEAST_SIDE;
}

function shift([x1, y1, x2, y2]: Box, dx: number, dy: number): Box {
  return [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
}
