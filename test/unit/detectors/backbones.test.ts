/** ResNeXt and MobileNetV2: convolutions in groups, names and shapes of the weights, folding, files of three kinds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKBONE_FORMS, createBackbone, stageChannels, type BackboneName } from '../../../src/detectors/backbone.ts';
import { inference, type Detector } from '../../../src/detectors/detector.ts';
import { pytorchShape } from '../../../src/detectors/layout.ts';
import { ourName, recognise, torchvisionName } from '../../../src/detectors/names.ts';
import { loadStateDict, readVariables, saveStateDict } from '../../../src/detectors/stateDict.ts';
import { createDetector, createTeacher } from '../../../src/detectors/table.ts';
import { startEngine, type Engine } from '../../../src/engine/backend.ts';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { relu6 } from '../../../src/engine/layers/activation.ts';
import { conv2d } from '../../../src/engine/layers/conv.ts';
import { normal, uniform, zeros } from '../../../src/engine/layers/init.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { createProgram, type StepResult } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { readWeights } from '../../../src/engine/weights/read.ts';
import { writeSafetensors } from '../../../src/engine/weights/safetensors.ts';
import { BACKBONES, DETECTORS, detectorSchema, type DetectorConfig } from '../../../src/experiment/schema.ts';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await startEngine({ backend: 'auto' });
  folder = await mkdtemp(join(tmpdir(), 'backbones-'));
});
afterAll(async () => { await rm(folder, { recursive: true }); });

function random(shape: readonly number[], seed: number): Float32Array {
  return normal(1)(shape, Random.of(seed));
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(1e-12, ...Array.from(expected, Math.abs));
  const worst = Math.max(...Array.from(expected, (value, index) => Math.abs((actual[index] ?? NaN) - value)));
  expect(worst / largest).toBeLessThanOrEqual(tolerance);
}

interface Case {
  readonly groups: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
  readonly height: number;
  readonly width: number;
}

const BATCH = 2;
const KERNEL = 3;

/** By the definition, in doubles: y = w ∗ x in groups, padding 1, and the gradients of Σ y·dy. All NHWC, the weight HWIO. */
function slowConv(x: Float32Array, weight: Float32Array, dy: Float32Array | undefined, { groups, inputs, outputs, stride, height, width }: Case) {
  const [rows, columns] = [height, width].map((cells) => Math.floor((cells + 2 - KERNEL) / stride) + 1) as [number, number];
  const [perGroup, outPerGroup] = [inputs / groups, outputs / groups];
  const [y, dx, dw] = [BATCH * rows * columns * outputs, x.length, weight.length].map((size) => new Float64Array(size)) as [Float64Array, Float64Array, Float64Array];
  const add = (values: Float64Array, index: number, amount: number): void => { values[index] = (values[index] ?? 0) + amount; };
  for (let place = 0; place < BATCH * rows * columns; place += 1) {
    const [image, row, column] = [Math.floor(place / (rows * columns)), Math.floor(place / columns) % rows, place % columns];
    for (let output = 0; output < outputs; output += 1) {
      for (let tap = 0; tap < KERNEL * KERNEL * perGroup; tap += 1) {
        const [i, j, input] = [Math.floor(tap / (KERNEL * perGroup)), Math.floor(tap / perGroup) % KERNEL, tap % perGroup];
        const [v, h] = [row * stride + i - 1, column * stride + j - 1];
        if (v < 0 || v >= height || h < 0 || h >= width) continue;
        const from = ((image * height + v) * width + h) * inputs + Math.floor(output / outPerGroup) * perGroup + input;
        const [by, to] = [tap * outputs + output, place * outputs + output];
        add(y, to, (x[from] ?? 0) * (weight[by] ?? 0));
        add(dx, from, (dy?.[to] ?? 0) * (weight[by] ?? 0));
        add(dw, by, (dy?.[to] ?? 0) * (x[from] ?? 0));
      }
    }
  }
  return { y, dx, dw };
}

const CASES: readonly Case[] = [
  { groups: 4, inputs: 8, outputs: 12, stride: 1, height: 5, width: 7 },
  { groups: 4, inputs: 16, outputs: 8, stride: 2, height: 8, width: 6 },
  { groups: 2, inputs: 4, outputs: 4, stride: 2, height: 7, width: 5 },
  { groups: 6, inputs: 6, outputs: 6, stride: 1, height: 6, width: 5 },
  { groups: 6, inputs: 6, outputs: 6, stride: 2, height: 8, width: 8 },
  { groups: 3, inputs: 3, outputs: 6, stride: 1, height: 4, width: 4 },
  { groups: 1, inputs: 3, outputs: 2, stride: 2, height: 8, width: 7 },
];

describe.each(['captured', 'op by op', 'on the plain backend'])('convolution in groups, %s', (how) => {
  it.each(CASES)('$groups groups, $inputs → $outputs channels, stride $stride on $height × $width', async (form) => {
    const native = tf.getBackend();
    if (how === 'on the plain backend') await tf.setBackend('cpu');
    try {
      const parameters = new Parameters(Random.of(2));
      const layer = conv2d(parameters, 'c', { in: form.inputs, out: form.outputs, kernel: KERNEL, stride: form.stride, groups: form.groups, bias: false, init: normal(1) });
      const weight = parameters.get('c.weight')?.variable as tf.Variable;
      const shape = [BATCH, form.height, form.width, form.inputs];
      const x = random(shape, 1);
      const expected = slowConv(x, Float32Array.from(weight.dataSync()), undefined, form);
      const dy = random([expected.y.length], 5);
      const slow = slowConv(x, Float32Array.from(weight.dataSync()), dy, form);
      const run = ({ x: image, dy: cotangent }: Readonly<Record<string, tf.Tensor>>): StepResult => {
        const y = layer(image as tf.Tensor4D);
        const loss = (input: tf.Tensor): tf.Scalar => tf.sum(tf.mul(tf.reshape(layer(input as tf.Tensor4D), [-1]), cotangent as tf.Tensor));
        const dw = tf.variableGrads(() => loss(image as tf.Tensor), [weight]).grads[weight.name] as tf.Tensor;
        return { outputs: { y, dx: tf.grad(loss)(image as tf.Tensor), dw } };
      };
      const example = { x: float32(shape, x), dy: float32([dy.length], dy) };
      const program = createProgram({ engine, capture: how === 'captured', variables: [weight], functions: { conv: { run, example } } });
      const results = program.run('conv', example);
      program.dispose();
      parameters.dispose();
      for (const name of ['y', 'dx', 'dw'] as const) expectClose(results[name]?.data ?? [], slow[name], 1e-5);
    } finally {
      await tf.setBackend(native);
    }
  });
});

describe('ReLU6', () => {
  it.each(['native', 'cpu'])('stops at 0 and 6, with no slope there (%s)', async (which) => {
    const native = tf.getBackend();
    if (which === 'cpu') await tf.setBackend('cpu');
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => relu6(x))(tf.tensor1d([-1, 0, 0.5, 5.5, 6, 7]), tf.tensor1d([1, 2, 3, 4, 5, 6]));
    expect([Array.from(value.dataSync()), Array.from(grad.dataSync())]).toEqual([[0, 0, 0.5, 5.5, 6, 6], [0, 0, 3, 4, 0, 0]]);
    await tf.setBackend(native);
  });
});

/** Values of weights that learn, as the model zoos count them, without classifier. */
const LEARNING: Readonly<Record<string, number>> = { resnext50_32x4d: 22_979_904, resnext101_32x4d: 42_128_704, resnext101_64x4d: 81_406_272, mobilenet_v2: 1_811_712 };
/** PyTorch's shapes under MMDetection's names. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  resnext50_32x4d: {
    'conv1.weight': [64, 3, 7, 7], 'layer1.0.conv1.weight': [128, 64, 1, 1], 'layer1.0.conv2.weight': [128, 4, 3, 3], 'layer1.0.bn2.running_var': [128],
    'layer1.0.conv3.weight': [256, 128, 1, 1], 'layer1.0.downsample.0.weight': [256, 64, 1, 1], 'layer3.5.conv2.weight': [512, 16, 3, 3], 'layer4.2.conv2.weight': [1024, 32, 3, 3],
    'layer4.2.conv3.weight': [2048, 1024, 1, 1],
  },
  resnext101_32x4d: { 'layer3.22.conv2.weight': [512, 16, 3, 3] },
  resnext101_64x4d: { 'layer1.0.conv2.weight': [256, 4, 3, 3], 'layer4.0.conv2.weight': [2048, 32, 3, 3] },
  mobilenet_v2: {
    'conv1.conv.weight': [32, 3, 3, 3], 'conv1.bn.bias': [32], 'layer1.0.depthwise_conv.conv.weight': [32, 1, 3, 3], 'layer1.0.linear_conv.conv.weight': [16, 32, 1, 1],
    'layer2.0.expand_conv.conv.weight': [96, 16, 1, 1], 'layer2.0.depthwise_conv.conv.weight': [96, 1, 3, 3], 'layer2.0.depthwise_conv.bn.running_mean': [96],
    'layer2.1.linear_conv.conv.weight': [24, 144, 1, 1], 'layer6.2.depthwise_conv.conv.weight': [960, 1, 3, 3], 'layer7.0.linear_conv.bn.weight': [320],
  },
};

function blank(name: BackboneName, stages = 4) {
  const parameters = new Parameters(Random.of(0));
  const create = parameters.create.bind(parameters);
  parameters.create = (weight, shape, _, options) => create(weight, shape, zeros, options);
  return { parameters, run: createBackbone(parameters, BACKBONE_FORMS[name], { kind: 'batch', groups: 8, trainable: true }, stages) };
}

describe('forms', () => {
  it.each(Object.keys(LEARNING) as BackboneName[])('%s has the weights of the model zoos, and maps at strides 4 to 32', (name) => {
    const { parameters, run } = blank(name);
    expect(parameters.trainable().reduce((sum, { variable }) => sum + variable.size, 0)).toBe(LEARNING[name]);
    const norms = parameters.all().filter(({ name: weight }) => weight.endsWith('.running_mean')).length;
    // A convolution and a norm of four numbers each, nothing else.
    expect(parameters.all().length).toBe(5 * norms);
    expect(norms).toBe({ resnext50_32x4d: 53, mobilenet_v2: 51 }[name as string] ?? 104);
    for (const [weight, shape] of Object.entries(SHAPES[name] ?? {})) {
      const found = parameters.get(`backbone.${weight}`);
      expect(found === undefined ? undefined : pytorchShape(found.variable.shape, found.layout), weight).toEqual(shape);
    }
    if (name === 'resnext50_32x4d' || name === 'mobilenet_v2') {
      const maps = tf.tidy(() => run(tf.zeros([1, 64, 96, 3]), inference()).map(({ shape }) => shape));
      expect(maps).toEqual(stageChannels(BACKBONE_FORMS[name]).map((channels, stage) => [1, 16 / 2 ** stage, 24 / 2 ** stage, channels]));
    }
    parameters.dispose();
  });

  it('have the channels of C2 to C5, and no stages that nothing reads', () => {
    expect(stageChannels(BACKBONE_FORMS.mobilenet_v2)).toEqual([24, 32, 96, 320]);
    expect(stageChannels(BACKBONE_FORMS.resnext101_64x4d)).toEqual([256, 512, 1024, 2048]);
    const { parameters } = blank('mobilenet_v2', 2);
    expect(parameters.all().some(({ name }) => /layer[4-7]/.test(name))).toBe(false);
    expect(parameters.get('backbone.layer3.2.linear_conv.conv.weight')).toBeDefined();
  });

  it('are those that an experiment may name', () => {
    expect(Object.keys(BACKBONE_FORMS).sort()).toEqual([...BACKBONES].sort());
  });
});

describe('names of MobileNetV2', () => {
  it.each([
    ['0.0.weight', 'conv1.conv.weight'], ['0.1.running_mean', 'conv1.bn.running_mean'],
    ['1.conv.0.0.weight', 'layer1.0.depthwise_conv.conv.weight'], ['1.conv.0.1.bias', 'layer1.0.depthwise_conv.bn.bias'],
    ['1.conv.1.weight', 'layer1.0.linear_conv.conv.weight'], ['1.conv.2.weight', 'layer1.0.linear_conv.bn.weight'],
    ['3.conv.0.0.weight', 'layer2.1.expand_conv.conv.weight'], ['3.conv.1.1.running_var', 'layer2.1.depthwise_conv.bn.running_var'],
    ['13.conv.2.weight', 'layer5.2.linear_conv.conv.weight'], ['17.conv.3.bias', 'layer7.0.linear_conv.bn.bias'],
  ])('%s in torchvision is %s', (theirs, ours) => {
    expect([ourName(`backbone.body.${theirs}`, 'torchvision'), torchvisionName(`backbone.${ours}`)]).toEqual([`backbone.${ours}`, `backbone.body.${theirs}`]);
    expect(ourName(`features.${theirs}`, 'backbone')).toBe(`backbone.${ours}`);
  });

  it('numbered within the block are known too, the classifier is passed over, what is no MobileNetV2 keeps its name', () => {
    expect(ourName('backbone.layer1.0.conv.1.bn.weight', 'mmdetection')).toBe('backbone.layer1.0.linear_conv.bn.weight');
    expect(ourName('layer2.1.conv.1.conv.weight', 'backbone')).toBe('backbone.layer2.1.depthwise_conv.conv.weight');
    for (const name of ['features.18.0.weight', 'features.18.1.running_var', 'classifier.1.weight', 'conv2.conv.weight']) expect(ourName(name, 'backbone')).toBeUndefined();
    expect([ourName('backbone.conv2.bn.weight', 'mmdetection'), ourName('head.fc.weight', 'mmdetection'), ourName('backbone.body.18.0.weight', 'torchvision')]).toEqual([undefined, undefined, undefined]);
    expect(ourName('backbone.layer1.0.conv2.weight', 'mmdetection')).toBe('backbone.layer1.0.conv2.weight');
    expect(ourName('features.5.weight', 'backbone')).toBe('backbone.features.5.weight');
    expect([recognise(['features.0.0.weight']), recognise(['backbone.body.0.0.weight']), recognise(['encoder.weight'])]).toEqual(['backbone', 'torchvision', undefined]);
  });
});

const CLASSES = ['one', 'two'];

function config(backbone: BackboneName, settings: Record<string, unknown> = {}): DetectorConfig {
  return detectorSchema.parse({ detector: 'retinanet', backbone, neck: { channels: 16, levels: 1 }, head: { convs: 1 }, ...settings });
}

function make(backbone: BackboneName, seed: number, settings: Record<string, unknown> = {}): Detector {
  return createDetector(config(backbone, settings), { classes: CLASSES, random: Random.of(seed) });
}

/** Running values that are nobody's initial ones. */
function trained(backbone: BackboneName, settings: Record<string, unknown> = {}): Detector {
  const detector = make(backbone, 1, settings);
  const draw = Random.of(9);
  for (const { name, variable } of detector.parameters.all()) {
    if (variable.rank === 1) variable.assign(tf.tensor(uniform(0.3)(variable.shape, draw).map((value) => value + (/running_var|n\d?\.weight|downsample\.1\.weight/.test(name) ? 1 : 0)), variable.shape));
  }
  return detector;
}

function bytes(detector: Detector): Record<string, string> {
  return Object.fromEntries(detector.parameters.all().map(({ name, variable }) => [name, Buffer.from(Float32Array.from(variable.dataSync()).buffer).toString('latin1')]));
}

describe('files', () => {
  it.each([['mobilenet_v2', 'mmdetection', 'batch'], ['mobilenet_v2', 'torchvision', 'batch'], ['mobilenet_v2', 'torchvision', 'group'], ['resnext50_32x4d', 'torchvision', 'batch']] as const)('of %s come back bit for bit: %s names, %s norm', async (backbone, naming, norm) => {
    const from = trained(backbone, { norm });
    const path = join(folder, `${backbone}-${naming}-${norm}.safetensors`);
    await writeSafetensors(path, saveStateDict(from, naming, readVariables));
    const to = make(backbone, 2, { norm });
    const report = loadStateDict(to, await readWeights(path), { strict: true });
    expect(report).toMatchObject({ naming, missing: [], unexpected: [], mismatched: [] });
    expect(bytes(to)).toStrictEqual(bytes(from));
  });

  it('of ImageNet classifiers load as backbones, and the report says what did not fit', () => {
    const from = trained('mobilenet_v2', { neck: { channels: 16, levels: 3 } });
    const state = new Map<string, HostTensor>([...saveStateDict(from, 'torchvision', readVariables)]
      .flatMap(([name, tensor]) => (name.startsWith('backbone.body.') ? [[name.replace('backbone.body.', 'features.'), tensor]] : [])));
    expect(state.size).toBe(255);
    // The rest of torchvision's 314 entries without counters, and something that belongs to nobody.
    state.set('features.18.0.weight', float32([1280, 320, 1, 1])).set('classifier.1.weight', float32([1000, 1280])).set('classifier.1.bias', float32([1000]));
    state.set('features.0.1.num_batches_tracked', float32([])).set('features.19.0.weight', float32([1]));
    const to = make('mobilenet_v2', 2, { neck: { channels: 16, levels: 3 } });
    const report = loadStateDict(to, state, { strict: false });
    expect(report).toMatchObject({ naming: 'backbone', unexpected: ['features.19.0.weight'], mismatched: [] });
    expect(report.loaded.length).toBe(255);
    expect(report.missing.every((name) => /^(neck|bbox_head)\./.test(name))).toBe(true);
    const name = 'backbone.layer7.0.depthwise_conv.conv.weight';
    expect(bytes(to)[name]).toBe(bytes(from)[name]);
  });

  it('of a ResNet do not fit a ResNeXt', () => {
    const state = saveStateDict(trained('resnet50'), 'mmdetection', readVariables);
    expect(() => loadStateDict(make('resnext50_32x4d', 2), state, { strict: false })).toThrow(/backbone\.layer1\.0\.conv1\.weight/);
  });
});

describe('the teacher', () => {
  it.each(['mobilenet_v2', 'resnext50_32x4d'] as const)('%s gives the same outputs folded, captured too', (backbone) => {
    const original = trained(backbone, { norm: 'frozen', neck: { channels: 16, levels: 3 } });
    const { detector: teacher, report } = createTeacher(config(backbone, { neck: { channels: 16, levels: 3 } }), { classes: CLASSES }, saveStateDict(original, 'mmdetection', readVariables));
    expect([report.missing, teacher.parameters.trainable()]).toEqual([[], []]);
    expect(teacher.parameters.all().some(({ name }) => /running_|\.bn\d?\./.test(name))).toBe(false);
    const images = float32([1, 64, 64, 3], uniform(2)([1, 64, 64, 3], Random.of(3)));
    const outputs = [original, teacher].map((detector) => {
      const run = ({ x }: Readonly<Record<string, tf.Tensor>>): StepResult => ({ outputs: Object.fromEntries(detector.forward(x as tf.Tensor4D, inference()).features.map((map, level) => [`P${level}`, map])) });
      const program = createProgram({ engine, capture: true, variables: detector.parameters.all().map(({ variable }) => variable), functions: { infer: { run, example: { x: images } } } });
      const results = program.run('infer', { x: images });
      program.dispose();
      return results;
    });
    for (const level of ['P0', 'P1', 'P2']) expectClose(outputs[1]?.[level]?.data ?? [], outputs[0]?.[level]?.data ?? [], 2e-5);
  });
});

describe('every detector', () => {
  it.each(DETECTORS.flatMap((detector) => (['mobilenet_v2', 'resnext50_32x4d'] as const).map((backbone) => [detector, backbone] as const)))('%s takes %s', (detector, backbone) => {
    const network = createDetector(detectorSchema.parse({ detector, backbone, neck: { channels: 16 }, head: { convs: 1 } }), { classes: CLASSES, random: Random.of(1) });
    const shapes = tf.tidy(() => network.forward(tf.zeros([1, 64, 96, 3]), inference()).logits.map(({ shape }) => shape.slice(1, 3)));
    expect(shapes.slice(0, 3)).toEqual([[8, 12], [4, 6], [2, 3]]);
    network.parameters.dispose();
  });
});

describe('learning', () => {
  it('MobileNetV2 has the same gradients on both backends', async () => {
    const run = (): number[][] => tf.tidy(() => {
      const parameters = new Parameters(Random.of(3));
      const backbone = createBackbone(parameters, BACKBONE_FORMS.mobilenet_v2, { kind: 'batch', groups: 8, trainable: true }, 2);
      const weights = ['conv1.conv.weight', 'layer2.0.depthwise_conv.conv.weight', 'layer3.1.expand_conv.bn.weight'].flatMap((name) => parameters.get(`backbone.${name}`)?.variable ?? []);
      const images = tf.tensor4d(random([1, 32, 40, 3], 4), [1, 32, 40, 3]);
      const { grads } = tf.variableGrads(() => tf.mean(tf.square(backbone(images, { training: true, updates: [] }).at(-1) as tf.Tensor)), weights);
      return weights.map(({ name }) => Array.from(grads[name]?.dataSync() ?? []));
    });
    const native = tf.getBackend();
    const first = run();
    await tf.setBackend('cpu');
    const second = run();
    await tf.setBackend(native);
    expect(first).toHaveLength(3);
    first.forEach((values, index) => { expectClose(values, second[index] ?? [], 1e-3); });
  });
});
