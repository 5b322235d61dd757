/** Whether keeping teachers' outputs can be of use. */
import { type KeyPath } from './keyPath.ts';
import { METHOD_CARDS } from './methods/index.ts';
import { type Finding } from './problems.ts';
import { remove, repair } from './repairs.ts';
import { type Experiment } from './schema.ts';

const KEEP: KeyPath = ['engine', 'teacherCache', 'keep'];

/** An image that is changed anew each time never comes again: its outputs are kept for nothing, or for another run with the same seed. */
export function checkTeacherCache({ data: { augment }, distill, engine: { teacherCache } }: Experiment): readonly Finding[] {
  if (teacherCache.keep === 'none' || !distill.some(({ method }) => METHOD_CARDS[method].teacher === 'needed')) return [];
  const changing: readonly (readonly [key: string, on: boolean])[] = [
    ['scale', augment.scale[0] !== augment.scale[1]], ['photometric', augment.photometric > 0], ['mosaic', augment.mosaic > 0], ['sizeAware', augment.sizeAware !== undefined],
  ];
  const keys = changing.flatMap(([key, on]) => (on ? [key] : []));
  if (keys.length === 0) return [];
  return [{
    code: 'DL137', severity: 'warning', message: `Hardly an image comes twice: ${keys.map((key) => `\`${key}\``).join(' and ')} changes each anew, so what is kept of the teacher serves only other runs with the same \`train.seed\`.`,
    path: KEEP, related: keys.map((key) => ({ path: ['data', 'augment', key], message: 'Changes each image anew.' })),
    advice: 'Keep to flips (`flip`, `flipVertical`), or leave the cache off.', repairs: [repair(remove(['engine', 'teacherCache'])), repair(...keys.map((key) => remove(['data', 'augment', key])))],
  }];
}
