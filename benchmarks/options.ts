import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Sizes } from './subject.ts';

export interface BenchOptions extends Sizes {
  /** Timed steps of each contender in a round. */
  readonly steps: number;
  readonly rounds: number;
  readonly threads: number;
  readonly python: string;
  /** `cpu` or the number of a GPU. */
  readonly device: string;
}

export const USAGE = `npm run bench -- [options]
  --size 256          side of the square input, or HEIGHTxWIDTH
  --batch 2           images a step
  --steps 3           timed steps of each contender in a round
  --rounds 5          rounds; the contenders take turns
  --classes 80
  --teacher resnet50  --student resnet18
  --norm batch        batch norm of the student: batch | frozen
  --threads N         default: all cores
  --device cpu        cpu, or the number of a GPU
  --python python3    the Python to look for torch in (also: DISTILL_LAB_PYTHON)`;

const whole = z.coerce.number().int().min(1);
const backbone = z.enum(['resnet18', 'resnet34', 'resnet50', 'resnet101']);
const schema = z.object({
  size: z.string().regex(/^\d+(x\d+)?$/).default('256'),
  batch: whole.default(2), steps: whole.default(3), rounds: whole.default(5), classes: whole.default(80),
  teacher: backbone.default('resnet50'), student: backbone.default('resnet18'), norm: z.enum(['batch', 'frozen']).default('batch'),
  threads: whole.default(availableParallelism()), device: z.string().default('cpu'),
  python: z.string().default(process.env.DISTILL_LAB_PYTHON ?? 'python3'),
});

/** @returns undefined if only help was asked for. Throws with a sentence for what cannot be understood. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const names = Object.keys(schema.shape);
  const { values } = parseArgs({
    args: [...args],
    options: { help: { type: 'boolean' }, ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])) },
  });
  if (values.help === true) return undefined;
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n'));
  const [height = 256, width = height] = parsed.data.size.split('x').map(Number);
  return { ...parsed.data, size: [height, width] };
}
