/** A training step of real, tiny networks, in parts of the batch and in mixed precision, against the plain step. */
import { describe, expect, it } from 'vitest';
import { createDetector } from '../../../src/detectors/table.ts';
import { createDistillers } from '../../../src/distillers/table.ts';
import { startEngine } from '../../../src/engine/backend.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { Optimizer } from '../../../src/engine/optimizer.ts';
import { createProgram, type FunctionSpec } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { detectorSchema, experimentSchema, methodSchema } from '../../../src/experiment/schema.ts';
import { stepInputs } from '../../../src/run/methodInputs.ts';
import { trainingStep, withReplicas } from '../../../src/run/step.ts';

const SIDE = 64;
const BATCH = 4;
const box = (x: number, y: number, side: number): readonly [number, number, number, number] => [x, y, x + side, y + side];
const truth = Array.from({ length: BATCH }, (_, image) => ({ boxes: [box(4 + 6 * image, 8, 20), box(20, 24, 12 + 8 * image)], labels: [0, image % 2], ignored: [] }));

interface Setup {
  readonly norm: 'frozen' | 'group' | 'batch';
  readonly replicas?: number;
  readonly capture?: boolean;
  readonly devices?: readonly string[];
  readonly precision?: FunctionSpec['precision'];
}

/** Losses of `steps` steps, and the weights after them. */
async function train({ norm, replicas = 1, capture = true, devices = [], precision = 'float32' }: Setup, steps = 4): Promise<{ losses: number[]; weights: Float32Array[] }> {
  const engine = await startEngine({ backend: 'auto' });
  const config = detectorSchema.parse({ detector: 'retinanet', backbone: 'tiny', norm, neck: { levels: 3, channels: 16 }, head: { convs: 1 } });
  const [student, teacher] = [7, 8].map((seed) => createDetector(config, { classes: ['a', 'b'], random: Random.of(seed) })) as [ReturnType<typeof createDetector>, ReturnType<typeof createDetector>];
  const [distiller] = createDistillers([methodSchema.parse({ method: 'fgd' })], {
    teacher: teacher.traits, student: student.traits, inputSize: [SIDE, SIDE], batch: BATCH, random: Random.of(9),
    statistics: { featureDeviation: student.traits.levels.map(() => 1) }, networks: { student, teacher },
  });
  if (distiller === undefined) throw new Error('no method');
  const networks = withReplicas({ student, teacher, distillers: [distiller] }, replicas);
  const { train: recipe } = experimentSchema.parse({ name: 'parts', data: { format: 'scenes', size: [SIDE, SIDE] }, student: config, train: { batch: BATCH, steps: 10, learningRate: 0.01 } });
  const optimizer = new Optimizer(recipe, [...student.parameters.trainable(), ...distiller.parameters.trainable()]);
  const random = Random.of(3);
  const images = float32([BATCH, SIDE, SIDE, 3], new Float32Array(BATCH * SIDE * SIDE * 3).map(() => random.normal()));
  const inputs = (step: number): ReturnType<typeof stepInputs> => ({
    ...stepInputs(networks, images, { truth, inputSize: [SIDE, SIDE], contentSizes: truth.map(() => [SIDE, SIDE] as const) }, undefined), ...optimizer.inputs(step, 0.01),
  });
  const variables = [...[student, teacher, distiller].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)), ...optimizer.state().values()];
  const program = createProgram({ engine, capture, variables, devices, functions: { train: { run: trainingStep(networks, optimizer), example: inputs(0), precision } } });
  try {
    const losses = Array.from({ length: steps }, (_, step) => program.run('train', inputs(step))['loss.total']?.data[0] ?? Number.NaN);
    return { losses, weights: program.read(student.parameters.all().map(({ variable }) => variable)) };
  } finally {
    program.dispose();
    optimizer.dispose();
    for (const { parameters } of [student, teacher, distiller]) parameters.dispose();
  }
}

function worst(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  let most = 0;
  a.forEach((values, index) => {
    Array.from(values).forEach((value, place) => { most = Math.max(most, Math.abs(value - (b[index]?.[place] ?? Number.NaN)) / Math.max(1, Math.abs(value))); });
  });
  return most;
}

describe('a batch in parts', () => {
  it.each(['group', 'frozen'] as const)('trains as one device with the whole batch (norm: %s)', async (norm) => {
    const whole = await train({ norm });
    const parts = await train({ norm, replicas: 2, devices: ['/device:CPU:0', '/device:CPU:0'] });
    expect(whole.losses.every(Number.isFinite)).toBe(true);
    expect(whole.losses[3]).not.toBeCloseTo(whole.losses[0] ?? 0, 3);
    expect(worst([parts.losses], [whole.losses])).toBeLessThan(1e-5);
    expect(worst(parts.weights, whole.weights)).toBeLessThan(1e-5);
  });

  it('is the same op by op and captured where batch norms learn from each part', async () => {
    const [captured, direct] = [await train({ norm: 'batch', replicas: 2 }), await train({ norm: 'batch', replicas: 2, capture: false })];
    expect(worst([captured.losses], [direct.losses])).toBeLessThan(1e-4);
    expect(worst(captured.weights, direct.weights)).toBeLessThan(1e-4);
    // Statistics of parts are not those of the batch.
    expect(worst(captured.weights, (await train({ norm: 'batch' })).weights)).toBeGreaterThan(1e-4);
  });
});

describe('mixed precision', () => {
  it('stays near float32, and is not float32', async () => {
    const [full, mixed] = [await train({ norm: 'group' }), await train({ norm: 'group', precision: 'mixed' })];
    const off = worst([mixed.losses], [full.losses]);
    expect(off).toBeLessThan(0.02);
    expect(off).toBeGreaterThan(1e-6);
    expect(mixed.weights.every((values) => values.every(Number.isFinite))).toBe(true);
  });
});
