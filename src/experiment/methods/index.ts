/**
 * Every distillation method's options and card: the source of the schema, of completion and of `distill-lab methods`.
 * A default that depends on the detector is left out of the options and given by the card.
 */
import { z } from 'zod';
import { bckdCard, bckdOptions } from './bckd.ts';
import { type MethodCard } from './card.ts';
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

export const methodSchema = z.discriminatedUnion('method', [
  fgdOptions,
  rmOptions,
  pfiOptions,
  ldOptions,
  pkdOptions,
  bckdOptions,
  icdOptions,
  frsOptions,
  lgdOptions,
  cwdOptions,
  fgfiOptions,
  chen2017Options,
  ssimKdOptions,
  crosskdOptions,
  defeatOptions,
  dsigOptions,
  mimicOptions,
  fkdOptions,
  labelencOptions,
  ladOptions,
  tadfOptions,
  pgdOptions,
  glamdOptions,
  drkdOptions,
  ikdOptions,
  headOptions,
  gidOptions,
  mimicdetOptions,
  scalekdOptions,
  tbdOptions,
  gDetkdOptions,
  ssdDetOptions,
]);

export type MethodConfig = z.output<typeof methodSchema>;
export type MethodId = MethodConfig['method'];

export const METHOD_CARDS: Readonly<Record<MethodId, MethodCard>> = {
  fgd: fgdCard,
  rm: rmCard,
  pfi: pfiCard,
  ld: ldCard,
  pkd: pkdCard,
  bckd: bckdCard,
  icd: icdCard,
  frs: frsCard,
  lgd: lgdCard,
  cwd: cwdCard,
  fgfi: fgfiCard,
  chen2017: chen2017Card,
  'ssim-kd': ssimKdCard,
  crosskd: crosskdCard,
  defeat: defeatCard,
  dsig: dsigCard,
  mimic: mimicCard,
  fkd: fkdCard,
  labelenc: labelencCard,
  lad: ladCard,
  tadf: tadfCard,
  pgd: pgdCard,
  glamd: glamdCard,
  drkd: drkdCard,
  ikd: ikdCard,
  head: headCard,
  gid: gidCard,
  mimicdet: mimicdetCard,
  scalekd: scalekdCard,
  tbd: tbdCard,
  'g-detkd': gDetkdCard,
  'ssd-det': ssdDetCard,
};
