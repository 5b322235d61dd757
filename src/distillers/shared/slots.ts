/** A fixed number of places for an image's objects, as captured steps ask for. */
import { area, type Box, type GroundTruth } from '../../engine/boxes.ts';

export interface LabelledBox {
  readonly box: Box;
  readonly label: number;
}

/** At most `slots` objects, in the image's order: where there are more, the largest stay. */
export function largestBoxes({ boxes, labels }: GroundTruth, slots: number): LabelledBox[] {
  const all = boxes.map((box, index) => ({ box, label: labels[index] ?? 0, index }));
  const kept = all.length <= slots ? all : all.toSorted((a, b) => area(b.box) - area(a.box)).slice(0, slots).toSorted((a, b) => a.index - b.index);
  return kept.map(({ box, label }) => ({ box, label }));
}
