import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Sizes } from './subject.ts';

export const CONTENDERS = ['captured', 'cached', 'opByOp', 'pytorchEager', 'pytorchCompiled'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export interface BenchOptions extends Sizes {
  /** Timed steps of each contender in a round. */
  readonly steps: number;
  readonly rounds: number;
  /** No round begins after so many seconds of them; two are done in any case. */
  readonly seconds: number;
  readonly contenders: readonly ContenderName[];
  /** What the contender `cached` keeps of a value. */
  readonly cache: 'half' | 'full';
  /** Rounds of the parts; 0 for none. */
  readonly parts: number;
  readonly threads: number;
  readonly python: string;
  /** `cpu` or the number of a GPU. */
  readonly device: string;
  /** Every case of `SUITE` in a process of its own. */
  readonly suite: boolean;
}

export const USAGE = `npm run bench -- [options]
  --size 256          side of the square input, HEIGHTxWIDTH, or small: the demo's pair on drawn scenes (128, batch 4, 4 classes)
  --batch 2           images a step
  --method fgd        fgd | rm+pfi | pkd
  --contenders captured,opByOp,pytorchEager
                      of captured, cached (the teacher's outputs from its cache), opByOp, pytorchEager, pytorchCompiled (torch.compile: its compiler takes minutes)
  --cache full        what cached keeps: full (32 bits of a value) or half (16)
  --steps 3           timed steps of each contender in a round
  --rounds 5          rounds; the contenders take turns
  --seconds 120       no round begins after so long
  --parts 3           rounds in which the step's parts are timed; 0: none
  --classes 80
  --teacher resnet50  --student resnet18
  --norm batch        batch norm of the student: batch | frozen
  --threads N         default: all cores
  --device cpu        cpu, or the number of a GPU
  --python python3    the Python to look for torch in (also: DISTILL_LAB_PYTHON)
  --suite             small, 256 and 512, batch 1, 2 and 8, all methods, one after the other; takes the other options too`;

const whole = z.coerce.number().int().min(1);
const backbone = z.enum(['resnet18', 'resnet34', 'resnet50', 'resnet101', 'small', 'tiny']);
const schema = z.object({
  size: z.string().regex(/^(small|\d+(x\d+)?)$/).default('256'), method: z.enum(['fgd', 'rm+pfi', 'pkd']).default('fgd'),
  contenders: z.string().default('captured,opByOp,pytorchEager').transform((list) => list.split(',')).pipe(z.array(z.enum(CONTENDERS)).refine((list) => list.includes('captured'), 'captured is what the others are compared with')),
  batch: whole.optional(), steps: whole.default(3), rounds: whole.default(5), seconds: whole.default(120), parts: z.coerce.number().int().min(0).default(3), classes: whole.optional(),
  teacher: backbone.optional(), student: backbone.optional(), norm: z.enum(['batch', 'frozen']).default('batch'), cache: z.enum(['half', 'full']).default('full'),
  threads: whole.default(availableParallelism()), device: z.string().default('cpu'),
  python: z.string().default(process.env.DISTILL_LAB_PYTHON ?? 'python3'),
});
const LARGE = { batch: 2, classes: 80, teacher: 'resnet50', student: 'resnet18' } as const;
const SMALL = { batch: 4, classes: 4, teacher: 'small', student: 'tiny' } as const;

/** @returns undefined if only help was asked for. Throws with a sentence for what cannot be understood. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const names = Object.keys(schema.shape);
  const { values } = parseArgs({
    args: [...args],
    options: { help: { type: 'boolean' }, suite: { type: 'boolean' }, ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])) },
  });
  if (values.help === true) return undefined;
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n'));
  const { size, ...rest } = parsed.data;
  const defaults = size === 'small' ? SMALL : LARGE;
  const [height = 256, width = height] = size === 'small' ? [128] : size.split('x').map(Number);
  const { batch = defaults.batch, classes = defaults.classes, teacher = defaults.teacher, student = defaults.student } = rest;
  return { ...rest, size: [height, width], batch, classes, teacher, student, suite: values.suite === true };
}

/** What `--suite` measures: every method at the demo's size and at one large one, every batch and size with FGD. */
export const SUITE: readonly (readonly string[])[] = [
  ...['fgd', 'rm+pfi', 'pkd'].map((method) => ['--size', 'small', '--method', method]),
  ...['fgd', 'rm+pfi', 'pkd'].map((method) => ['--size', '256', '--method', method]),
  ['--size', '256', '--batch', '1'], ['--size', '256', '--batch', '8', '--steps', '1'],
  ['--size', '512', '--batch', '1', '--steps', '1'], ['--size', '512', '--steps', '1'], ['--size', '512', '--batch', '8', '--steps', '1', '--rounds', '2', '--parts', '1', '--contenders', 'captured,pytorchEager'],
];
