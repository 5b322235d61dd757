/** The step that is measured: a RetinaNet student learns from a RetinaNet teacher by some method, on one batch of made-up images. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { type Detector } from '../src/detectors/detector.ts';
import { toPytorch } from '../src/detectors/layout.ts';
import { readVariables, saveStateDict } from '../src/detectors/stateDict.ts';
import { createDetector, createTeacher, resolveDetector } from '../src/detectors/table.ts';
import { type Distiller } from '../src/distillers/distiller.ts';
import { createDistillers } from '../src/distillers/table.ts';
import { type Engine } from '../src/engine/backend.ts';
import { type Box, type GroundTruth } from '../src/engine/boxes.ts';
import { float32, type HostTensor, type HostTensors } from '../src/engine/hostTensor.ts';
import { Optimizer } from '../src/engine/optimizer.ts';
import { createProgram, type FunctionSpec, type Program } from '../src/engine/program.ts';
import { Random } from '../src/engine/random.ts';
import { readWeights } from '../src/engine/weights/read.ts';
import { writeSafetensors } from '../src/engine/weights/safetensors.ts';
import { detectorSchema, methodSchema, trainSchema } from '../src/experiment/schema.ts';
import { stepInputs } from '../src/run/methodInputs.ts';
import { trainingStep, unprefixed, type Networks } from '../src/run/step.ts';

type Backbone = 'resnet18' | 'resnet34' | 'resnet50' | 'resnet101' | 'small' | 'tiny';

export interface Sizes {
  /** Input [height, width]. */
  readonly size: readonly [number, number];
  readonly batch: number;
  readonly classes: number;
  readonly teacher: Backbone;
  readonly student: Backbone;
  readonly method: 'fgd' | 'rm+pfi' | 'pkd';
  /** `batch`: statistics of the batch, as when training from scratch; `frozen`: as when fine-tuning. */
  readonly norm: 'batch' | 'frozen';
  /** Of each image; left out: seven. */
  readonly objects?: number;
}

/** Small enough that the losses stay finite however many steps are run on one batch. */
const LEARNING_RATE = 1e-4;
/** How all contenders train. */
export const recipe = trainSchema.parse({ optimizer: 'sgd', learningRate: LEARNING_RATE, momentum: 0.9, weightDecay: 1e-4, clip: 35 });
const config = (backbone: Backbone, norm: string) => detectorSchema.parse({ detector: 'retinanet', backbone, norm });

export interface StepTime {
  readonly milliseconds: number;
  /** Processor time of all threads: says more than the clock on a machine that others use too. */
  readonly cpu: number;
  readonly losses: Readonly<Record<string, number>>;
}

export interface Subject {
  readonly student: Detector;
  readonly distillers: readonly Distiller[];
  readonly inputs: HostTensors;
  readonly program: Program;
  readonly step: () => StepTime;
  /** Makes what the host feeds besides the images: targets, masks, candidates. */
  readonly targets: () => HostTensors;
  /** Recording and loading; TensorFlow's own optimisation of the graph comes with the first step. */
  readonly capturing: { readonly seconds: number; readonly processorSeconds: number };
}

/** Further functions of a subject's program. */
export type MoreFunctions = (networks: Networks, optimizer: Optimizer, inputs: HostTensors) => Readonly<Record<string, FunctionSpec>>;

export interface TeacherWeights {
  readonly state: ReadonlyMap<string, HostTensor>;
  readonly detector: Detector;
}

export function makeTeacher(sizes: Sizes): TeacherWeights {
  const classes = classNames(sizes);
  const trained = createDetector(config(sizes.teacher, 'batch'), { classes, random: Random.of(1) });
  spreadPredictions(trained);
  const state = saveStateDict(trained, 'mmdetection', readVariables);
  trained.parameters.dispose();
  return { state, detector: createTeacher(config(sizes.teacher, 'batch'), { classes }, state).detector };
}

/**
 * Fresh heads predict the same everywhere, and what compares predictions would compare rounding. Widened, the towers keep the
 * deviation of what passes through them, and class scores differ from box to box.
 */
function spreadPredictions({ parameters }: Detector): void {
  const widen = (variable: tf.Variable, factor: number): void => { tf.tidy(() => { variable.assign(tf.mul(variable, factor)); }); };
  for (const { name, variable } of parameters.all()) {
    if (/^bbox_head\.(cls|reg)_convs\.\d+\.conv\.weight$/.test(name)) widen(variable, 3);
    if (name === 'bbox_head.retina_cls.weight') widen(variable, 15);
  }
}

/** From a file, as a run gets its teacher. */
export async function readTeacher(sizes: Sizes, path: string): Promise<Detector> {
  return createTeacher(config(sizes.teacher, 'batch'), { classes: classNames(sizes) }, await readWeights(path)).detector;
}

/** Every subject of the same sizes starts from the same weights and sees the same batch. */
export function makeSubject(sizes: Sizes, teacher: Detector, engine: Engine, capture: boolean, more: MoreFunctions = () => ({})): Subject {
  const student = createDetector(config(sizes.student, sizes.norm), { classes: classNames(sizes), random: Random.of(2) });
  spreadPredictions(student);
  const distillers = createDistillers(sizes.method.split('+').map((method) => methodSchema.parse({ method })), {
    teacher: teacher.traits, student: student.traits, inputSize: sizes.size, batch: sizes.batch, random: Random.of(3),
    statistics: { featureDeviation: teacher.traits.levels.map(() => 1) },
  });
  const networks = { student, teacher, distillers };
  const optimizer = new Optimizer(recipe, [student, ...distillers].flatMap(({ parameters }) => parameters.trainable()));
  const [images, truth] = [makeImages(sizes), makeTruths(sizes)];
  const targets = (): HostTensors => stepInputs(networks, images, { truth, inputSize: sizes.size, contentSizes: truth.map(() => sizes.size), step: 0 }, undefined);
  const inputs = { ...targets(), ...optimizer.inputs(0, LEARNING_RATE) };
  const variables = [...[student, teacher, ...distillers].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)), ...optimizer.state().values()];
  const [begin, used] = [performance.now(), process.cpuUsage()];
  const program = createProgram({ engine, capture, variables, functions: { train: { run: trainingStep(networks, optimizer), example: inputs }, ...more(networks, optimizer, inputs) } });
  const spent = process.cpuUsage(used);
  const capturing = { seconds: (performance.now() - begin) / 1000, processorSeconds: (spent.user + spent.system) / 1e6 };
  const step = (): StepTime => {
    const before = process.cpuUsage();
    const begin = performance.now();
    const outputs = program.run('train', inputs);
    const milliseconds = performance.now() - begin;
    const { user, system } = process.cpuUsage(before);
    const scalars = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data[0] ?? NaN]));
    return { milliseconds, cpu: (user + system) / 1000, losses: unprefixed('loss', scalars) };
  };
  return { student, distillers, inputs, program, step, targets, capturing };
}

function makeImages({ size: [height, width], batch }: Sizes): HostTensor {
  const random = Random.of(4);
  return float32([batch, height, width, 3], Float32Array.from({ length: batch * height * width * 3 }, () => random.normal()));
}

function makeTruths({ size: [height, width], batch, objects = OBJECTS, classes }: Sizes): GroundTruth[] {
  const random = Random.of(6);
  return Array.from({ length: batch }, () => makeTruth(random, height, width, classes, objects));
}

/** What an image of COCO has on average. */
const OBJECTS = 7;

/** Objects an eighth to a half of the image on each side. */
function makeTruth(random: Random, height: number, width: number, classes: number, objects: number): GroundTruth {
  const boxes = Array.from({ length: objects }, (): Box => {
    const [w, h] = [width * random.uniform(0.125, 0.5), height * random.uniform(0.125, 0.5)];
    const [x, y] = [random.uniform(0, width - w), random.uniform(0, height - h)];
    return [x, y, x + w, y + h];
  });
  return { boxes, labels: boxes.map(() => random.integer(classes)), ignored: [] };
}

function classNames({ classes }: Sizes): string[] {
  return Array.from({ length: classes }, (_, index) => `class ${index}`);
}

interface NetworkForm {
  readonly backbone: string;
  /** Of every level. */
  readonly channels: number;
  readonly levels: number;
  /** Of each tower. */
  readonly convs: number;
  readonly headNorm: string;
  readonly classes: number;
  /** A cell. */
  readonly anchors: number;
}

/** What the PyTorch twin needs to do the same. */
export interface TwinConfig {
  readonly student: NetworkForm;
  readonly teacher: NetworkForm;
  readonly method: string;
  readonly norm: string;
  /** Names of the levels. */
  readonly levels: readonly string[];
  /** Names of the student's weights that decay. */
  readonly decayed: readonly string[];
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly clip: number;
}

function formOf(backbone: Backbone, { traits }: Detector): NetworkForm {
  const { neck, head } = resolveDetector(config(backbone, 'batch'));
  return { backbone, channels: neck.channels, levels: neck.levels, convs: head.convs, headNorm: head.norm, classes: traits.classes.length, anchors: traits.anchorsPerCell };
}

/** Writes weights and inputs as safetensors; must be called before the subject's first step. */
export async function writeTwinFiles(folder: string, sizes: Sizes, teacher: TeacherWeights, { student, distillers, inputs, program }: Subject): Promise<TwinConfig> {
  const read = (variables: Parameters<Program['read']>[0]): Float32Array[] => program.read(variables);
  await writeSafetensors(join(folder, 'teacher.safetensors'), teacher.state);
  await writeSafetensors(join(folder, 'student.safetensors'), saveStateDict(student, 'mmdetection', read));
  const adapters = distillers.flatMap(({ parameters }) => parameters.all());
  const values = read(adapters.map(({ variable }) => variable));
  await writeSafetensors(join(folder, 'adapters.safetensors'), new Map(adapters.map(({ name, variable, layout }, index) => [name, toPytorch(values[index] ?? new Float32Array(), variable.shape, layout)])));
  await writeSafetensors(join(folder, 'inputs.safetensors'), new Map(Object.entries(inputs)));
  return {
    student: formOf(sizes.student, student), teacher: formOf(sizes.teacher, teacher.detector), method: sizes.method, norm: sizes.norm,
    levels: student.traits.levels.map(({ name }) => name),
    decayed: student.parameters.trainable().filter(({ decay }) => decay).map(({ name }) => name),
    learningRate: LEARNING_RATE, momentum: recipe.momentum, weightDecay: recipe.weightDecay, clip: recipe.clip,
  };
}
