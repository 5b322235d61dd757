/** RM and PFI once more, in doubles and plain loops, straight from the equations: what the tensors are compared with. */
import { type Scene } from '../../goldens/support/distiller.ts';
import { valuesOf } from './support.ts';

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function logSoftmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const log = most + Math.log(sum(scores.map((score) => Math.exp(score - most))));
  return scores.map((score) => score - log);
}

export interface RankOptions {
  readonly score?: 'probability' | 'logit';
  readonly temperature?: number;
  readonly sorted?: boolean;
  readonly reduction?: 'image' | 'batch';
}

/** Where a candidate's logit lies: level and flat index. */
function candidateIndex({ grid, anchorsPerCell, classes }: Scene, image: number, slot: number, label: number): readonly [level: number, index: number] {
  let offset = slot;
  for (const [level, [rows, columns]] of grid.entries()) {
    const width = rows * columns * anchorsPerCell;
    if (offset < width) return [level, (image * width + offset) * classes + label];
    offset -= width;
  }
  throw new RangeError(`slot ${slot}`);
}

export interface RankReference {
  readonly loss: number;
  /** By level, as the student's logits lie. */
  readonly gradients: readonly number[][];
}

/** Unweighted L_RM and its gradient with respect to the student's logits. */
export function rankReference(scene: Scene, { score = 'probability', temperature = 1, sorted = false, reduction = 'image' }: RankOptions = {}): RankReference {
  const { truth, assignments } = scene.batch;
  const gradients = scene.grid.map((_, level) => new Array<number>(valuesOf(scene.student, 'logits', level).length).fill(0));
  const objects = sum(truth.map(({ boxes }) => boxes.length));
  const stored = { student: scene.grid.map((_, level) => valuesOf(scene.student, 'logits', level)), teacher: scene.grid.map((_, level) => valuesOf(scene.teacher, 'logits', level)) };
  let loss = 0;
  truth.forEach(({ boxes, labels }, image) => {
    const weight = 1 / (reduction === 'image' ? truth.length * Math.max(1, boxes.length) : Math.max(1, objects));
    boxes.forEach((_, object) => {
      const slots = [...(assignments[image] ?? [])].flatMap((assigned, slot) => (assigned === object + 1 ? [slot] : []));
      if (slots.length === 0) return;
      const places = slots.map((slot) => candidateIndex(scene, image, slot, labels[object] ?? 0));
      const logits = (network: 'student' | 'teacher'): number[] => places.map(([level, index]) => stored[network][level]?.[index] ?? Number.NaN);
      const squash = (values: number[]): number[] => values.map((value) => (score === 'probability' ? sigmoid(value) : value) / temperature);
      const order = (values: number[]): number[] => values.map((_value, index) => index).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
      const ownLogits = logits('student');
      const [own, other] = [squash(ownLogits), squash(logits('teacher'))];
      const [ranksOfOwn, ranksOfOther] = [order(own), order(other)];
      const logQ = logSoftmax(own);
      const logP = logSoftmax(other);
      const target = [...logP];
      if (sorted) ranksOfOwn.forEach((place, rank) => { target[place] = logP[ranksOfOther[rank] ?? 0] ?? 0; });
      loss += weight * sum(target.map((value, index) => Math.exp(value) * (value - (logQ[index] ?? 0))));
      places.forEach(([level, index], member) => {
        const logit = ownLogits[member] ?? 0;
        const slope = score === 'probability' ? sigmoid(logit) * (1 - sigmoid(logit)) : 1;
        const row = gradients[level];
        if (row !== undefined) row[index] = (weight / temperature) * slope * (Math.exp(logQ[member] ?? 0) - Math.exp(target[member] ?? 0));
      });
    });
  });
  return { loss, gradients };
}

export interface ImitationOptions {
  readonly form?: 'mean' | 'squared' | 'norm';
  readonly prediction?: 'logit' | 'probability';
}

/** Unweighted L_PFI without an adapter. */
export function imitationReference(scene: Scene, { form = 'mean', prediction = 'logit' }: ImitationOptions = {}): number {
  const squash = (value: number): number => (prediction === 'probability' ? sigmoid(value) : value);
  const images = scene.batch.truth.length;
  const byLevel = scene.grid.map(([rows, columns], level) => {
    const differences = (kind: 'logits' | 'features', map: (value: number) => number): number[] => {
      const [own, other] = [valuesOf(scene.student, kind, level), valuesOf(scene.teacher, kind, level)];
      const width = own.length / (images * rows * columns);
      return Array.from({ length: images * rows * columns }, (_, place) =>
        sum(own.slice(place * width, (place + 1) * width).map((value, index) => (map(value) - map(other[place * width + index] ?? 0)) ** 2)) / width);
    };
    const features = differences('features', (value) => value);
    const products = differences('logits', squash).map((value, place) => value * (features[place] ?? 0));
    if (form === 'mean') return sum(products) / products.length;
    if (form === 'squared') return sum(products.map((value) => value ** 2)) / products.length;
    const norms = Array.from({ length: images }, (_, image) => Math.sqrt(sum(products.slice(image * rows * columns, (image + 1) * rows * columns).map((value) => value ** 2))));
    return sum(norms) / images / products.length;
  });
  return sum(byLevel) / byLevel.length;
}
