/** What `scale: normalized` divides features by. */
import { DistillError } from '../errors.ts';
import { type DistillerContext } from './distiller.ts';
import { type MapLevel } from './maps.ts';

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
