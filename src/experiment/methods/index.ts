/**
 * Every distillation method's options and card: the source of the schema, of completion and of `distill-lab methods`.
 * A default that depends on the detector is left out of the options and given by the card.
 */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { bckdCard, bckdOptions } from './bckd.ts';
import { chen2017Card, chen2017Options } from './chen2017.ts';
import { crosskdCard, crosskdOptions } from './crosskd.ts';
import { cwdCard, cwdOptions } from './cwd.ts';
import { defeatCard, defeatOptions } from './defeat.ts';
import { drkdCard, drkdOptions } from './drkd.ts';
import { dsigCard, dsigOptions } from './dsig.ts';
import { fgdCard, fgdOptions } from './fgd.ts';
import { fgfiCard, fgfiOptions } from './fgfi.ts';
import { fkdCard, fkdOptions } from './fkd.ts';
import { frsCard, frsOptions } from './frs.ts';
import { gDetkdCard, gDetkdOptions } from './gDetkd.ts';
import { gidCard, gidOptions } from './gid.ts';
import { glamdCard, glamdOptions } from './glamd.ts';
import { headCard, headOptions } from './head.ts';
import { icdCard, icdOptions } from './icd.ts';
import { ikdCard, ikdOptions } from './ikd.ts';
import { labelencCard, labelencOptions } from './labelenc.ts';
import { ladCard, ladOptions } from './lad.ts';
import { ldCard, ldOptions } from './ld.ts';
import { lgdCard, lgdOptions } from './lgd.ts';
import { mimicCard, mimicOptions } from './mimic.ts';
import { mimicdetCard, mimicdetOptions } from './mimicdet.ts';
import { pfiCard, pfiOptions } from './pfi.ts';
import { pgdCard, pgdOptions } from './pgd.ts';
import { pkdCard, pkdOptions } from './pkd.ts';
import { rmCard, rmOptions } from './rm.ts';
import { scalekdCard, scalekdOptions } from './scalekd.ts';
import { ssdDetCard, ssdDetOptions } from './ssdDet.ts';
import { ssimKdCard, ssimKdOptions } from './ssimKd.ts';
import { tadfCard, tadfOptions } from './tadf.ts';
import { tbdCard, tbdOptions } from './tbd.ts';

export { type MethodCard } from './card.ts';

/** In the order in which methods are listed everywhere. */
export const methodSchema = z.discriminatedUnion('method', [
  // features near objects
  fgdOptions, pfiOptions, mimicOptions, fgfiOptions, defeatOptions, frsOptions, pgdOptions, gidOptions, tadfOptions, tbdOptions,
  // features by attention or statistics
  cwdOptions, pkdOptions, ssimKdOptions, fkdOptions, glamdOptions, scalekdOptions,
  // relations of regions and objects
  drkdOptions, dsigOptions, icdOptions, gDetkdOptions,
  // what heads predict
  rmOptions, ldOptions, crosskdOptions, bckdOptions, chen2017Options,
  // assignment, augmentation
  ladOptions, ikdOptions,
  // without a teacher
  lgdOptions, labelencOptions, headOptions, mimicdetOptions, ssdDetOptions,
]);

export type MethodConfig = z.output<typeof methodSchema>;
export type MethodId = MethodConfig['method'];

export const METHOD_CARDS: Readonly<Record<MethodId, MethodCard>> = {
  fgd: fgdCard,
  pfi: pfiCard,
  mimic: mimicCard,
  fgfi: fgfiCard,
  defeat: defeatCard,
  frs: frsCard,
  pgd: pgdCard,
  gid: gidCard,
  tadf: tadfCard,
  tbd: tbdCard,
  cwd: cwdCard,
  pkd: pkdCard,
  'ssim-kd': ssimKdCard,
  fkd: fkdCard,
  glamd: glamdCard,
  scalekd: scalekdCard,
  drkd: drkdCard,
  dsig: dsigCard,
  icd: icdCard,
  'g-detkd': gDetkdCard,
  rm: rmCard,
  ld: ldCard,
  crosskd: crosskdCard,
  bckd: bckdCard,
  chen2017: chen2017Card,
  lad: ladCard,
  ikd: ikdCard,
  lgd: lgdCard,
  labelenc: labelencCard,
  head: headCard,
  mimicdet: mimicdetCard,
  'ssd-det': ssdDetCard,
};
