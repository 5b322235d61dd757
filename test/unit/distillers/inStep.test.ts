import { beforeAll, describe, expect, it } from 'vitest';
import { createDetector } from '../../../src/detectors/table.ts';
import { type Detector } from '../../../src/detectors/detector.ts';
import { createDistillers, methodOf } from '../../../src/distillers/table.ts';
import { startEngine, type Engine } from '../../../src/engine/backend.ts';
import { directProgram } from '../../../src/engine/directProgram.ts';
import { float32, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { Optimizer } from '../../../src/engine/optimizer.ts';
import { createProgram, type FunctionSpec } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { detectorSchema, methodSchema, trainSchema, type MethodConfig } from '../../../src/experiment/schema.ts';
import { stepInputs } from '../../../src/run/methodInputs.ts';
import { observationStep, observes, pictureStep, trainingStep, type Networks } from '../../../src/run/step.ts';

const SIZE = [64, 96] as const;
const CLASSES = ['disc', 'star', 'ring'];
const TRUTH = [
  { boxes: [[6, 8, 40, 50], [30, 20, 80, 60]] as const, labels: [0, 2], ignored: [] },
  { boxes: [], labels: [], ignored: [] },
];

let engine: Engine;
beforeAll(async () => { engine = await startEngine({ backend: 'auto' }); });

function detector(seed: number, name = 'retinanet'): Detector {
  const config = detectorSchema.parse({ detector: name, backbone: 'tiny', neck: { channels: 16, levels: 2 }, head: { convs: 1 } });
  return createDetector(config, { classes: CLASSES, random: Random.of(seed), evaluation: { scoreThreshold: 0.05, nms: 0.5, maxDetections: 20 } });
}

/** A few steps of one method, as a run does them, then its pictures. */
function train(config: MethodConfig, capture: boolean, steps: number, name?: string): { losses: Record<string, number>[]; pictures: HostTensors } {
  const student = detector(1, name);
  const teacher = methodOf(config.method).teacher === 'needed' ? detector(2, name) : undefined;
  const distillers = createDistillers([config], {
    teacher: (teacher ?? student).traits, student: student.traits, inputSize: SIZE, batch: TRUTH.length, random: Random.of(3), statistics: { featureDeviation: [1, 1] },
    networks: { student, ...(teacher === undefined ? {} : { teacher }) },
  });
  const networks: Networks = { student, teacher, distillers };
  const recipe = trainSchema.parse({ optimizer: 'sgd', learningRate: 0.01, warmup: 0 });
  const optimizer = new Optimizer(recipe, [student, ...distillers].flatMap(({ parameters }) => parameters.trainable()));
  const pixels = Random.of(9);
  const images = float32([TRUTH.length, ...SIZE, 3], new Float32Array(TRUTH.length * SIZE[0] * SIZE[1] * 3).map(() => pixels.normal()));
  const functions: Record<string, FunctionSpec> = {};
  const inputsAt = (step: number, observe: ((inputs: HostTensors) => HostTensors) | undefined): HostTensors => ({
    ...stepInputs(networks, images, { truth: TRUTH, inputSize: SIZE, contentSizes: TRUTH.map(() => SIZE), step, steps, random: Random.of(4, step) }, observe), ...optimizer.inputs(step, 0.01),
  });
  const first = (inputs: HostTensors): HostTensors => {
    functions.observe = { run: observationStep(networks, true), example: inputs };
    return directProgram(functions).run('observe', inputs);
  };
  functions.train = { run: trainingStep(networks, optimizer), example: inputsAt(0, observes(networks) ? first : undefined) };
  functions.pictures = { run: pictureStep(networks).run, example: inputsAt(0, observes(networks) ? first : undefined) };
  const variables = [...[student, ...distillers, ...(teacher === undefined ? [] : [teacher])].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)), ...optimizer.state().values()];
  const program = createProgram({ engine, capture, variables, functions });
  const losses = Array.from({ length: steps }, (_, step) => {
    const outputs = program.run('train', inputsAt(step, observes(networks) ? (inputs) => program.run('observe', inputs) : undefined));
    return Object.fromEntries(Object.entries(outputs).map(([part, { data }]) => [part, data[0] ?? Number.NaN]));
  });
  const pictures = program.run('pictures', inputsAt(0, observes(networks) ? (inputs) => program.run('observe', inputs) : undefined));
  program.dispose();
  return { losses, pictures: Object.fromEntries(Object.entries(pictures).filter(([picture]) => picture.startsWith('picture.'))) };
}

const CASES: readonly (readonly [string, Record<string, unknown>, readonly string[]])[] = [
  ['LGD', { method: 'lgd', maxObjects: 3, imitateFrom: 0, backboneFrom: 0.4 }, ['loss.lgd.distillation', 'loss.lgd.oracleBox', 'loss.lgd.oracleClassification']],
  ['LabelEnc', { method: 'labelenc', imitateFrom: 0.4 }, ['loss.labelenc.distance', 'loss.labelenc.labelsBox', 'loss.labelenc.labelsClassification']],
  ['LabelEnc at half size', { method: 'labelenc', labelMapScale: 0.5, imitateFrom: 0 }, ['loss.labelenc.distance']],
  ['SSD-Det', { method: 'ssd-det', maxObjects: 2, ratios: [1, 0.8], output: 3, hidden: 12, negatives: 6 }, ['bags', 'regression', 'spatial', 'negatives'].map((part) => `loss.ssd-det.${part}`)],
  ['IKD', { method: 'ikd', steps: 2, weight: 1e-3, diversity: 0.5 }, ['loss.ikd.adversarial']],
];

describe('methods that use the networks themselves', () => {
  it.each(CASES)('%s: captured as op by op, finite, and changing', (_, options, parts) => {
    const config = methodSchema.parse(options);
    const [captured, direct] = [train(config, true, 4), train(config, false, 4)];
    for (const [step, losses] of direct.losses.entries()) {
      for (const [name, value] of Object.entries(losses)) {
        expect(Number.isFinite(value), `${name} of step ${step}`).toBe(true);
        expect(Math.abs(value - (captured.losses[step]?.[name] ?? Number.NaN)), `${name} of step ${step}: ${value}`).toBeLessThanOrEqual(2e-3 * Math.abs(value) + 1e-6);
      }
    }
    for (const part of parts) expect(direct.losses.map((losses) => losses[part]).every((value) => value !== undefined), part).toBe(true);
    expect(direct.losses[3]).not.toEqual(direct.losses[2]);
    expect(Object.keys(captured.pictures)).toEqual(Object.keys(direct.pictures));
    expect(Object.keys(direct.pictures).length).toBeGreaterThan(1);
    for (const [name, { shape, data }] of Object.entries(direct.pictures)) {
      expect(captured.pictures[name]?.shape, name).toEqual(shape);
      expect([...data].every(Number.isFinite), name).toBe(true);
    }
  });
});
