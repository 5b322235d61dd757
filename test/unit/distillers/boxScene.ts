/** Scenes whose regression decodes: deltas of square anchors around (column · stride, row · stride). */
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../../src/detectors/detector.ts';
import { type Scene } from '../../goldens/support/distiller.ts';

export const STRIDES = [8, 16];

export function withDeltas(scene: Scene, more: Partial<DetectorTraits> = {}): Scene {
  const anchors = Float32Array.from(scene.grid.flatMap(([rows, columns], level) => {
    const stride = STRIDES[level] ?? 8;
    return Array.from({ length: rows * columns * scene.anchorsPerCell }, (_, slot) => {
      const cell = Math.floor(slot / scene.anchorsPerCell);
      const [x, y, half] = [(cell % columns) * stride, Math.floor(cell / columns) * stride, stride * (1 + 0.3 * (slot % scene.anchorsPerCell))];
      return [x - half, y - half, x + half, y + half];
    }).flat();
  }));
  const traits: Partial<DetectorTraits> = {
    levels: scene.grid.map((_, level) => ({ name: `L${level}`, stride: STRIDES[level] ?? 8 })),
    boxCoding: deltaCoding({ anchors: () => anchors, perLevel: () => scene.grid.map(([rows, columns]) => rows * columns * scene.anchorsPerCell), deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } }),
    ...more,
  };
  return { ...scene, traits: { student: traits, teacher: traits } };
}
