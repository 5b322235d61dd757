/** The table of methods: one row a method, and what is asked of all methods of an experiment together. */
import { type DetectorTraits } from '../detectors/detector.ts';
import { DistillError } from '../errors.ts';
import { type MethodCard, type MethodId } from '../experiment/methods/index.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { bckd } from './bckd.ts';
import { chen2017 } from './chen2017.ts';
import { crosskd } from './crosskd.ts';
import { cwd } from './cwd.ts';
import { defeat } from './defeat.ts';
import { type Distiller, type DistillerContext, type Method, type MethodFile } from './distiller.ts';
import { drkd } from './drkd.ts';
import { dsig } from './dsig.ts';
import { fgd } from './fgd.ts';
import { fgfi } from './fgfi.ts';
import { fkd } from './fkd.ts';
import { frs } from './frs.ts';
import { gDetkd } from './gDetkd.ts';
import { gid } from './gid.ts';
import { glamd } from './glamd.ts';
import { head } from './head.ts';
import { icd } from './icd.ts';
import { ikd } from './ikd.ts';
import { labelenc } from './labelenc.ts';
import { lad } from './lad.ts';
import { ld } from './ld.ts';
import { lgd } from './lgd.ts';
import { mimic } from './mimic.ts';
import { mimicdet } from './mimicdet.ts';
import { pfi } from './pfi.ts';
import { pgd } from './pgd.ts';
import { pkd } from './pkd.ts';
import { rm } from './rm.ts';
import { scalekd } from './scalekd.ts';
import { ssdDet } from './ssdDet.ts';
import { ssimKd } from './ssimKd.ts';
import { tadf } from './tadf.ts';
import { tbd } from './tbd.ts';

export { type MethodId } from '../experiment/methods/index.ts';
type ConfigOf<Id extends MethodId> = Extract<MethodConfig, { method: Id }>;

export const METHODS: { readonly [Id in MethodId]: Method<ConfigOf<Id>> } = {
  fgd, pfi, mimic, fgfi, defeat, frs, pgd, gid, tadf, tbd,
  cwd, pkd, 'ssim-kd': ssimKd, fkd, glamd, scalekd,
  drkd, dsig, icd, 'g-detkd': gDetkd,
  rm, ld, crosskd, bckd, chen2017,
  lad, ikd,
  lgd, labelenc, head, mimicdet, 'ssd-det': ssdDet,
};

/** A row by the word in the experiment file, for those who show methods. */
export function methodOf(id: string): MethodCard & Pick<Method<never>, 'pictures'> {
  const row = Object.entries(METHODS).find(([key]) => key === id)?.[1];
  if (row === undefined) throw new RangeError(`there is no method ${id}`);
  return row;
}

/** Values of the options whose default depends on the student's detector, by option; empty for a method without such. */
export function defaultsFor(method: MethodId, detector: string): Readonly<Record<string, number>> {
  return METHODS[method].defaults?.(detector) ?? {};
}

/** All methods of an experiment, in its order. Adapters draw their initial weights from `context.random`, also in this order. */
export function createDistillers(configs: readonly MethodConfig[], context: DistillerContext): Distiller[] {
  return configs.map((config) => createOne(config, context));
}

function createOne<Id extends MethodId>(config: ConfigOf<Id>, context: DistillerContext): Distiller {
  return rowOf(config).create(config, context);
}

/** Every weight file that methods' options name, with its key (`['distill', 0, 'encoder']`). */
export function methodFiles(configs: readonly MethodConfig[]): { readonly path: string; readonly key: readonly (string | number)[] }[] {
  return configs.flatMap((config, index) => filesOfOne(config).map(({ option, path }) => ({ path, key: ['distill', index, option] })));
}

function filesOfOne<Id extends MethodId>(config: ConfigOf<Id>): readonly MethodFile[] {
  return rowOf(config).files?.(config) ?? [];
}

/** Everything that stands against this pair, each error with its key (`['distill', 0]`); empty when the run may start. */
export function checkPair(configs: readonly MethodConfig[], teacher: DetectorTraits, student: DetectorTraits): DistillError[] {
  return configs.flatMap((config, index) => {
    const twice = configs.findIndex(({ method }) => method === config.method) < index ? [methodTwice(config.method)] : [];
    return [...twice, ...problemsOf(config, teacher, student)].map((problem) => within(problem, config.method, index));
  });
}

function problemsOf<Id extends MethodId>(config: ConfigOf<Id>, teacher: DetectorTraits, student: DetectorTraits): readonly DistillError[] {
  return rowOf(config).problems(teacher, student, config);
}

function rowOf<Id extends MethodId>(config: ConfigOf<Id>): Method<ConfigOf<Id>> {
  return METHODS[config.method];
}

function methodTwice(method: MethodId): DistillError {
  return new DistillError('DL512', `The method ${method} is listed twice.`, { expected: 'each method once', advice: 'Remove one of the two, or raise `weight` instead.' });
}

function within(problem: DistillError, method: MethodId, index: number): DistillError {
  return new DistillError(problem.code, `${METHODS[method].title}: ${problem.message}`, { ...problem.details, key: ['distill', index] });
}
