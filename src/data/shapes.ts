/** The drawn classes as outlines in a unit circle. */
import { SCENE_CLASSES } from '../experiment/sceneClasses.ts';
import { type Contour } from './raster.ts';

export const SHAPES = SCENE_CLASSES;
export type Shape = (typeof SHAPES)[number];

export interface Pose {
  readonly x: number;
  readonly y: number;
  /** Pixels. */
  readonly radius: number;
  /** Radians. */
  readonly rotation: number;
  /** Width over height before the rotation. */
  readonly aspect: number;
}

export function isShape(name: string): name is Shape {
  return SHAPES.some((shape) => shape === name);
}

/** The shape's outlines in pixels. */
export function outline(shape: Shape, pose: Pose): Contour[] {
  const stretch = Math.sqrt(pose.aspect);
  const cos = Math.cos(pose.rotation);
  const sin = Math.sin(pose.rotation);
  return UNIT[shape].map((contour) => {
    const placed: number[] = [];
    for (let i = 0; i < contour.length; i += 2) {
      const x = (contour[i] ?? 0) * pose.radius * stretch;
      const y = ((contour[i + 1] ?? 0) * pose.radius) / stretch;
      placed.push(pose.x + x * cos - y * sin, pose.y + x * sin + y * cos);
    }
    return placed;
  });
}

/** A thick line as a contour. */
export function stroke(x1: number, y1: number, x2: number, y2: number, thickness: number): Contour {
  const length = Math.max(1e-6, Math.hypot(x2 - x1, y2 - y1));
  const nx = (((y1 - y2) / length) * thickness) / 2;
  const ny = (((x2 - x1) / length) * thickness) / 2;
  return [x1 + nx, y1 + ny, x2 + nx, y2 + ny, x2 - nx, y2 - ny, x1 - nx, y1 - ny];
}

/** Corners on circles: the radius of corner i is `radii[i mod length]`. */
function polygon(corners: number, radii: readonly number[]): Contour {
  return Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners - Math.PI / 2;
    const radius = radii[i % radii.length] ?? 1;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }).flat();
}

const SIDE = 0.8;
const ARM = 0.3;

const UNIT: Readonly<Record<Shape, readonly Contour[]>> = {
  disc: [polygon(40, [0.92])],
  square: [[-SIDE, -SIDE, SIDE, -SIDE, SIDE, SIDE, -SIDE, SIDE]],
  triangle: [polygon(3, [1.08])],
  star: [polygon(10, [1.08, 0.45])],
  cross: [[-ARM, -1, ARM, -1, ARM, -ARM, 1, -ARM, 1, ARM, ARM, ARM, ARM, 1, -ARM, 1, -ARM, ARM, -1, ARM, -1, -ARM, -ARM, -ARM]],
  ring: [polygon(40, [0.96]), polygon(40, [0.52])],
};
