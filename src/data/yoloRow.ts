/** One row of a YOLO label file. */
import { type Box } from '../engine/boxes.ts';
import { DistillError, type Place } from '../errors.ts';
import { type Size } from './images.ts';

export interface YoloRow {
  readonly classIndex: number;
  /** Corners in pixels, not clipped. */
  readonly box: Box;
}

/** Beyond this a share of the image cannot be meant; pixels were written. */
const LARGEST_SHARE = 4;

/**
 * `class cx cy w h`, or `class x1 y1 x2 y2 x3 y3 …` (a polygon, of which the bounding box is taken); all but the class in shares of the image.
 * @throws DistillError DL305
 */
export function parseRow(text: string, where: Place, classCount: number, { width, height }: Size): YoloRow {
  const [classText = '', ...rest] = text.split(/\s+/);
  const classIndex = Number(classText);
  if (!Number.isInteger(classIndex) || classIndex < 0 || classIndex >= classCount) {
    throw badRow(where, `"${classText}" is not one of the classes`, `an integer from 0 to ${classCount - 1}, a position in \`names\``, text);
  }
  const values = rest.map((value) => (value === '' ? Number.NaN : Number(value)));
  if (values.length < 4 || (values.length !== 4 && (values.length < 6 || values.length % 2 !== 0))) {
    throw badRow(where, `the row has ${values.length + 1} columns`, 'class cx cy width height, or class and at least three points', text);
  }
  if (!values.every(Number.isFinite)) throw badRow(where, 'the row has something that is not a number', 'numbers alone', text);
  if (values.some((value) => Math.abs(value) > LARGEST_SHARE)) {
    throw badRow(where, 'the coordinates are not shares of the image', 'values from 0 to 1: pixels divided by the image\'s width or height', text);
  }
  const [x1, y1, x2, y2] = values.length === 4 ? fromCentre(values, where, text) : around(values);
  return { classIndex, box: [x1 * width, y1 * height, x2 * width, y2 * height] };
}

function fromCentre(values: readonly number[], where: Place, text: string): Box {
  const [x = 0, y = 0, w = 0, h = 0] = values;
  if (w < 0 || h < 0) throw badRow(where, 'the box has a negative size', 'width and height of at least 0', text);
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

function around(points: readonly number[]): Box {
  const xs = points.filter((_, index) => index % 2 === 0);
  const ys = points.filter((_, index) => index % 2 === 1);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function badRow(where: Place, message: string, expected: string, text: string): DistillError {
  return new DistillError('DL305', `bad label row: ${message}`, { where, expected, got: text.slice(0, 120), advice: 'correct the row or take it out' });
}
