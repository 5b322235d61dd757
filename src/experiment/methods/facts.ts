/** What a card says, in the words that pages, tables and hovers share. */
import { type MethodCard } from './card.ts';

export const PARITY: Readonly<Record<MethodCard['parity'], string>> = {
  reference: 'compared with numbers of the reference code',
  restated: 'no code was released; compared with numbers restated from the paper\'s equations',
  none: 'no reference exists; only properties are tested',
};

const SHARED: Readonly<Record<MethodCard['shares'][number], string>> = {
  levels: 'pyramid levels', classes: 'classes', anchors: 'anchors a cell', boxes: 'boxes that can be decoded', distribution: 'distributions of box sides (GFL)', towers: 'towers of the heads',
};

/** The facts of a card as short lines, label first. */
export function factsOf({ family, teacher, shares, detectors, parity, experimental, venue }: MethodCard): (readonly [label: string, text: string])[] {
  return [
    ['family', `${family}, ${venue}${experimental === true ? '; experimental' : ''}`],
    ['teacher', teacher === 'needed' ? `needed; must share ${shares.length === 0 ? 'nothing with the student' : `with the student: ${shares.map((what) => SHARED[what]).join(', ')}`}` : 'none'],
    ['students', detectors === undefined ? 'all detectors' : detectors.join(', ')],
    ['parity', PARITY[parity]],
  ];
}
