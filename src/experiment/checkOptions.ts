/** Methods' options against each other and against the run's length. */
import { type KeyPath, valueAt } from './keyPath.ts';
import { type ByMethod, ofMethod } from './methods/byMethod.ts';
import { fgfiDefaults } from './methods/fgfi.ts';
import { type Finding } from './problems.ts';
import { remove, repair, safeRepair, set } from './repairs.ts';
import { type Experiment, type MethodConfig } from './schema.ts';

/** @param written the file's data before defaults. */
export function checkOptions({ distill }: Experiment, written: unknown): readonly Finding[] {
  return distill.flatMap((options, index) => [
    ...(ofMethod(IDLE, options) ?? []).filter(({ key, when }) => when && valueAt(written, ['distill', index, key]) !== undefined).map(({ key, why }): Finding => ({
      code: 'DL121', severity: 'warning', message: `\`${key}\` changes nothing: ${why}.`, path: ['distill', index, key], at: 'key',
      advice: 'Remove it.', repairs: [safeRepair(remove(['distill', index, key]))], idle: true,
    })),
    ...emptyParts(options, ['distill', index]),
  ]);
}

interface IdleOption {
  readonly key: string;
  readonly when: boolean;
  readonly why: string;
}

const rows = (keys: readonly string[], when: boolean, why: string): readonly IdleOption[] => keys.map((key) => ({ key, when, why }));

/** Options that another option passes over. */
const IDLE: ByMethod<readonly IdleOption[]> = {
  ikd: ({ loss }) => rows(['temperature'], loss !== 'cwd', 'it belongs to `loss: cwd`'),
  lad: ({ losses }) => rows(['classWeight', 'iouWeight'], losses !== 'paa', 'it belongs to `losses: paa`'),
  ld: ({ imitation }) => rows(['imitationWeight'], imitation === 'none', 'nothing is imitated (`imitation: none`)'),
  fgfi: ({ variant }) => rows(['stride'], variant !== 'single', 'it belongs to `variant: single`'),
  labelenc: ({ stage }) => rows(['encoder'], stage !== 'detector', 'it belongs to `stage: detector`'),
  defeat: ({ head, backboneForeground, backboneBackground }) => [
    ...rows(['headForeground', 'headBackground', 'temperature'], !head, 'class logits are not distilled (`head: false`)'),
    ...rows(['stages'], backboneForeground === 0 && backboneBackground === 0, 'the backbone is left alone: both of its weights are 0'),
  ],
  chen2017: ({ hint, nu }) => [
    ...rows(['gamma', 'hintNorm'], hint === 'none', 'there is no hint (`hint: none`)'),
    ...rows(['margin'], nu === 0, 'the bounded regression is off (`nu: 0`)'),
  ],
  mimic: ({ predictions }) => rows(['nms'], !predictions, 'no predicted boxes are taken (`predictions: false`)'),
};

/** Parts of the run that end before they begin. */
function emptyParts(options: MethodConfig, path: KeyPath): readonly Finding[] {
  if (options.method !== 'lgd' && options.method !== 'labelenc') return [];
  const { imitateFrom, imitateUntil } = options;
  if (imitateFrom === undefined || imitateUntil === undefined || imitateFrom < imitateUntil) return [];
  return [{
    code: 'DL118', message: 'The part of the run in which the student imitates is empty: it ends before it begins.', path: [...path, 'imitateFrom'],
    expected: `less than \`imitateUntil\`, ${imitateUntil}`, got: String(imitateFrom), related: [{ path: [...path, 'imitateUntil'], message: 'The end of the part.' }],
    repairs: [...(imitateFrom === imitateUntil ? [] : [repair(set([...path, 'imitateFrom'], imitateUntil), set([...path, 'imitateUntil'], imitateFrom))]), repair(remove([...path, 'imitateFrom']))],
  }];
}

interface Growing {
  readonly key: string;
  readonly steps: number;
  readonly severity?: 'warning';
  /** Continued by `when the run ends`. */
  readonly what: string;
}

// The papers' defaults are made for long runs, and a short one still learns something: a warning.
const growing = (id: string) => ({ warmup }: { readonly warmup: number }): Growing => ({ key: 'warmup', steps: warmup, severity: 'warning', what: `The weight of \`${id}\` is still growing` });

const WARMUPS: ByMethod<Growing> = {
  pfi: ({ warmup }) => ({ key: 'warmup', steps: warmup, what: 'The weight would still be growing' }),
  frs: growing('frs'),
  scalekd: growing('scalekd'),
  head: growing('head'),
  icd: ({ detachSteps }) => ({ key: 'detachSteps', steps: detachSteps, severity: 'warning', what: 'The student has learned nothing from `icd` yet' }),
  fgfi: ({ delay, variant }) => ({ key: 'delay', steps: delay ?? fgfiDefaults(variant).delay, severity: 'warning', what: 'Nothing has been imitated yet' }),
};

/** Steps that methods take before they teach with all their weight. */
export function methodWarmups({ distill }: Experiment): readonly (Growing & { readonly path: KeyPath })[] {
  return distill.flatMap((options, index) => {
    const found = ofMethod(WARMUPS, options);
    return found === undefined ? [] : [{ ...found, path: ['distill', index, found.key] }];
  });
}
