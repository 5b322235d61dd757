/** Boxes on the image: ground truth, teacher's and student's, told apart by colour, dash and place of the name; and those that carry a value. */
import { type PictureIndex } from '../../src/experiment/record.ts';
import { clip, formatValue } from '../format.ts';
import { type ViewState } from '../state.ts';
import { type Theme } from '../theme.ts';
import { entryOf } from './colours.ts';
import { type Placement } from './geometry.ts';
import { type BoxLayer } from './valued.ts';
import { t } from '../words.ts';

export type RecordedImage = PictureIndex['images'][number];
export type Owner = 'truth' | 'teacher' | 'student';
type Box = RecordedImage['student'][number]['box'];

/** As drawn, and in the switches' samples. */
export const BOX_DASHES: Readonly<Record<Owner, readonly number[]>> = { truth: [], teacher: [6, 3], student: [2, 2] };
const MOST_BOXES = 100;

interface Drawn {
  readonly box: Box;
  readonly text: string;
}

export function drawBoxes(pen: CanvasRenderingContext2D, image: RecordedImage, classes: readonly string[], view: Pick<ViewState, 'score' | 'boxes'>, place: Placement, theme: Theme): void {
  const least = view.score ?? 0;
  const name = (label: number): string => clip(classes[label] ?? String(label), 16);
  const scored = (list: RecordedImage['student']): Drawn[] => list.filter(({ score }) => score >= least).slice(0, MOST_BOXES).map(({ box, label, score }) => ({ box, text: `${name(label)} ${score.toFixed(2)}` }));
  const layers: Layer[] = [
    ...(view.boxes.truth ? [{ owner: 'truth' as const, boxes: image.groundTruth.slice(0, MOST_BOXES).map(({ box, label }) => ({ box, text: name(label) })) }] : []),
    ...(view.boxes.teacher ? [{ owner: 'teacher' as const, boxes: scored(image.teacher) }] : []),
    ...(view.boxes.student ? [{ owner: 'student' as const, boxes: scored(image.student) }] : []),
  ];
  pen.save();
  pen.font = `${theme.fontSize - 1}px ${theme.font}`;
  for (const layer of layers) outline(pen, layer, place, theme);
  // All names after all lines: a line through a name makes it unreadable. Where names would lie on each other the later goes.
  const taken: Rectangle[] = [];
  for (const layer of layers) for (const { box, text } of layer.boxes) tag(pen, text, theme.colours[layer.owner], FIRST_PLACES[layer.owner], placed(box, place), taken, theme);
  pen.restore();
}

interface Layer {
  readonly owner: Owner;
  readonly boxes: readonly Drawn[];
}
interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function placed([x1, y1, x2, y2]: Box, { left, top, scale }: Placement): Rectangle {
  return { left: left + x1 * scale, top: top + y1 * scale, width: (x2 - x1) * scale, height: (y2 - y1) * scale };
}

function outline(pen: CanvasRenderingContext2D, { owner, boxes }: Layer, place: Placement, theme: Theme): void {
  for (const { box } of boxes) {
    const { left, top, width, height } = placed(box, place);
    pen.setLineDash([]);
    // A dark rim keeps a line legible on any picture.
    pen.strokeStyle = 'rgba(0, 0, 0, 0.55)';
    pen.lineWidth = 3.2;
    pen.strokeRect(left, top, width, height);
    pen.setLineDash([...BOX_DASHES[owner]]);
    pen.strokeStyle = theme.colours[owner];
    pen.lineWidth = owner === 'truth' ? 2 : 1.8;
    pen.strokeRect(left, top, width, height);
  }
  pen.setLineDash([]);
}

/** Under this width in pixels a box has no room for its name; zooming in makes some. */
const NAMED_FROM = 34;

/** Truth above the box, teacher inside it at the top, student below. */
const FIRST_PLACES: Readonly<Record<Owner, number>> = { truth: 0, teacher: 1, student: 2 };

/** @param first the wanted place: 0 above the box, 1 inside at the top, 2 below, 3 inside at the bottom; where it is taken the next free one */
function tag(pen: CanvasRenderingContext2D, text: string, colour: string, first: number, { left, top, width, height }: Rectangle, taken: Rectangle[], theme: Theme): void {
  if (width < NAMED_FROM) return;
  const line = theme.fontSize + 2;
  const places = [top - line, top, top + height, top + height - line];
  const size = { width: pen.measureText(text).width + 10, height: line };
  const place = [...places.slice(first), ...places.slice(0, first)].map((y) => ({ left: left - 1, top: y, ...size })).find((candidate) => candidate.top >= 0 && !taken.some((other) => overlap(candidate, other)));
  if (place === undefined) return;
  taken.push(place);
  pen.fillStyle = theme.background;
  pen.globalAlpha = 0.85;
  pen.fillRect(place.left, place.top, place.width, place.height);
  pen.globalAlpha = 1;
  pen.fillStyle = colour;
  pen.fillRect(place.left, place.top, 3, line);
  // The name in the text's own colour: chart colours are too pale for letters in some themes.
  pen.fillStyle = theme.foreground;
  pen.textBaseline = 'middle';
  pen.fillText(text, place.left + 6, place.top + line / 2);
}

const overlap = (a: Rectangle, b: Rectangle): boolean => a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;

/** How many boxes of each there are to see, for people who cannot see them. */
export function describeBoxes(image: RecordedImage, least: number, hasTeacher: boolean): string {
  const count = (list: RecordedImage['student']): number => list.filter(({ score }) => score >= least).length;
  const objects = image.groundTruth.length === 1 ? t('1 object') : t('{0} objects', image.groundTruth.length);
  return hasTeacher ? t('{0}; teacher finds {1}, student {2}', objects, count(image.teacher), count(image.student)) : t('{0}; student finds {1}', objects, count(image.student));
}

/** In the colour of their values. */
export function drawValued(pen: CanvasRenderingContext2D, { boxes, scale, colours, chosen }: BoxLayer, { left, top, scale: zoom }: Placement, theme: Theme): void {
  pen.save();
  // What has the greatest value lies on top, what is pointed at above all.
  const names: (Rectangle & { readonly text: string; readonly colour: string })[] = [];
  const ordered = [...boxes].sort((a, b) => Math.abs(a.value) - Math.abs(b.value));
  for (const item of chosen === undefined ? ordered : [...ordered.filter((box) => box !== chosen), chosen]) {
    const [x1, y1, x2, y2] = item.box;
    const rectangle = [left + x1 * zoom, top + y1 * zoom, (x2 - x1) * zoom, (y2 - y1) * zoom] as const;
    const entry = entryOf(item.value, scale);
    const colour = `rgb(${colours[entry] ?? 0}, ${colours[entry + 1] ?? 0}, ${colours[entry + 2] ?? 0})`;
    const width = item === chosen ? 3.5 : 2;
    // A rim in the theme's own colours keeps dark and light lines legible on any picture.
    pen.strokeStyle = item === chosen ? theme.foreground : 'rgba(0, 0, 0, 0.55)';
    pen.lineWidth = width + 2;
    pen.strokeRect(...rectangle);
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.strokeRect(...rectangle);
    names.push({ text: formatValue(item.value), colour, left: rectangle[0], top: rectangle[1], width: rectangle[2], height: rectangle[3] });
    if (item !== chosen) continue;
    pen.globalAlpha = 0.25;
    pen.fillStyle = colour;
    pen.fillRect(...rectangle);
    pen.globalAlpha = 1;
  }
  // Names after all lines; that of the box that is pointed at has the first choice of a place.
  pen.font = `${theme.fontSize - 1}px ${theme.font}`;
  const taken: Rectangle[] = [];
  for (const name of names.reverse()) tag(pen, name.text, name.colour, 0, name, taken, theme);
  pen.restore();
}
