/** What `scale: normalized` divides features by. */
import * as tf from '@tensorflow/tfjs';
import { DistillError } from '../../errors.ts';
import { type DistillerContext } from '../distiller.ts';
import { at, type MapLevel } from './maps.ts';

/** 1 / (teacher's standard deviation) of each level. */
export function inverseDeviations(levels: readonly MapLevel[], { statistics }: Pick<DistillerContext, 'statistics'>): number[] {
  return levels.map(({ name }, index) => {
    const deviation = statistics.featureDeviation[index] ?? Number.NaN;
    if (Number.isFinite(deviation) && deviation > 0) return 1 / deviation;
    throw new DistillError('DL513', `The teacher's features at ${name} do not vary, so \`scale: normalized\` has nothing to divide by.`, {
      expected: 'a standard deviation above 0', got: String(deviation), advice: 'Check that the teacher\'s weights were loaded and that it evaluates well.',
    });
  });
}

/** With `normalized`: maps of either network divided by the teacher's deviation at their level; with `paper`: as they are. */
export function featureScaler(scale: 'paper' | 'normalized', levels: readonly MapLevel[], context: Pick<DistillerContext, 'statistics'>): (maps: readonly tf.Tensor4D[]) => readonly tf.Tensor4D[] {
  if (scale === 'paper') return (maps) => maps;
  const factors = inverseDeviations(levels, context);
  return (maps) => maps.map((map, level) => tf.mul(map, at(factors, level)));
}
