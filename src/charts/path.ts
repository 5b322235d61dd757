/** Points to the `d` of an SVG path. */
import { minMax, type Point } from '../../webview/curves/decimate.ts';
import { type Scale } from './scale.ts';

export type { Point } from '../../webview/curves/decimate.ts';

/** A tenth of a pixel is as fine as anybody sees; shorter paths make smaller pictures. */
export function pixel(value: number): string {
  return Number(value.toFixed(1)).toString();
}

/** As many of the points as `pixels` can show, no spike lost; points without a value break the line. */
export function decimated(points: readonly Point[], pixels: number): readonly Point[] {
  if (points.length <= 2 * pixels + 2) return points;
  const xs = points.map(({ x }) => x);
  return minMax(xs, points.map(({ y }) => y), [xs[0] ?? 0, xs.at(-1) ?? 0], Math.max(1, Math.floor(pixels)));
}

/** A line through the points; a lone point between two gaps becomes a dot, drawn by round caps. */
export function linePath(points: readonly Point[], x: Scale['at'], y: Scale['at']): string {
  let path = '';
  let drawn = 0;
  const lift = (): void => {
    if (drawn === 1) path += 'h0';
    drawn = 0;
  };
  for (const point of points) {
    const [px, py] = [x(point.x), y(point.y)];
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      lift();
      continue;
    }
    path += `${drawn === 0 ? 'M' : 'L'}${pixel(px)} ${pixel(py)}`;
    drawn += 1;
  }
  lift();
  return path;
}

export interface BandPoint {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

/** The outline of what lies between two lines. */
export function bandPath(points: readonly BandPoint[], x: Scale['at'], y: Scale['at']): string {
  const whole = points.filter((point) => [x(point.x), y(point.low), y(point.high)].every(Number.isFinite));
  if (whole.length < 2) return '';
  const there = whole.map((point) => `${pixel(x(point.x))} ${pixel(y(point.high))}`);
  const back = whole.toReversed().map((point) => `${pixel(x(point.x))} ${pixel(y(point.low))}`);
  return `M${[...there, ...back].join('L')}Z`;
}
