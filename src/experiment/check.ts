/** Checks across keys, on an experiment that the schema has passed. Pure: no disk, no detector. */
import { outlineOf, sizeDivisor } from './defaults.ts';
import { type KeyPath, valueAt } from './keyPath.ts';
import { checkData } from './checkData.ts';
import { checkOptions, methodWarmups } from './checkOptions.ts';
import { checkPair } from './checkPair.ts';
import { checkTeacherCache } from './checkTeacherCache.ts';
import { METHOD_CARDS } from './methods/index.ts';
import { type Finding, type Repair } from './problems.ts';
import { remove, repair, safeRepair, set } from './repairs.ts';
import { type DetectorConfig, type Experiment } from './schema.ts';
import { lessonsOf, shortestStage, teacherPath, teachersOf } from './teachers.ts';

/** @param written the file's data before defaults: tells what the user chose from what came by itself. */
export function crossChecks(experiment: Experiment, written: unknown): readonly Finding[] {
  return [
    ...checkRoles(experiment),
    ...checkSize(experiment),
    ...checkLists(experiment),
    ...checkLength(experiment),
    ...checkSchedule(experiment),
    ...checkData(experiment),
    ...checkEngine(experiment),
    ...checkTeacherCache(experiment),
    ...checkPair(experiment),
    ...checkOptions(experiment, written),
    ...checkIdleKeys(experiment, written),
  ];
}

function checkRoles(experiment: Experiment): readonly Finding[] {
  const { teacher, distill, control, student } = experiment;
  const findings: Finding[] = [];
  const teachers = teachersOf(experiment);
  distill.forEach(({ method }, index) => {
    if (teachers.length === 0 || METHOD_CARDS[method].teacher === 'none' || teachers.some((each) => lessonsOf(experiment, each).some(([place]) => place === index))) return;
    findings.push({ code: 'DL119', severity: 'warning', message: `No teacher teaches \`${method}\`: none has it among its \`methods\`.`, path: ['distill', index, 'method'], advice: 'Add it to the `methods` of a teacher, or remove it.', repairs: [
      ...teachers.map((teacher, place) => repair(set([...teacherPath(experiment, place), 'methods'], [...(teacher.methods ?? []), method]))),
      repair(remove(['distill', index])),
    ] });
  });
  if (distill.some(({ method }) => METHOD_CARDS[method].teacher === 'needed') && teacher === undefined) {
    findings.push({ code: 'DL112', message: 'There is something to distil but no teacher.', path: ['distill'], at: 'key', advice: 'Add `teacher` with its `weights`, or remove `distill` for a plain training run.', repairs: [repair(set(['teacher'], ownTeacher(experiment))), repair(remove(['distill']))] });
  }
  if (student.inherit !== 'none' && teacher === undefined) {
    findings.push({ code: 'DL112', message: 'The student is to inherit from a teacher, but there is none.', path: ['student', 'inherit'], advice: 'Add `teacher`, or remove `inherit`.', repairs: [repair(remove(['student', 'inherit'])), repair(set(['teacher'], ownTeacher(experiment)))] });
  }
  if (teacher !== undefined && distill.length === 0 && student.inherit === 'none') {
    findings.push({ code: 'DL119', severity: 'warning', message: 'The teacher is only evaluated: nothing is distilled from it.', path: ['teacher'], at: 'key', advice: 'Add `distill`, or remove `teacher`.', repairs: [repair(set(['distill'], [{ method: 'fgd' }])), repair(remove(['teacher']))] });
  }
  if (control && distill.length === 0) {
    findings.push({ code: 'DL119', severity: 'warning', message: '`control` has nothing to compare with: without `distill` the student is its own control.', path: ['control'], at: 'key', advice: 'Add `distill`, or remove `control`.', repairs: [repair(remove(['control']))] });
  }
  return findings;
}

/** A teacher as wide as the student, until the writer names the one that they have. */
function ownTeacher({ student }: Experiment): unknown {
  return { detector: student.detector, backbone: student.backbone, weights: 'teacher.safetensors' };
}

function checkSize(experiment: Experiment): readonly Finding[] {
  const { data, student } = experiment;
  const divisor = Math.max(...[student, ...teachersOf(experiment)].map(sizeDivisor));
  return data.size.flatMap((side, index): Finding[] => {
    if (side % divisor === 0) return [];
    const below = Math.max(divisor, Math.floor(side / divisor) * divisor);
    const choices = [...new Set([below, Math.ceil(side / divisor) * divisor])];
    return [{
      code: 'DL114', message: `The ${index === 0 ? 'height' : 'width'} is not a multiple of ${divisor}, the stride at which the pyramid's levels are added up.`, path: ['data', 'size', index],
      expected: `a multiple of ${divisor}`, got: String(side), advice: `Use ${choices.join(' or ')}.`,
      repairs: [...choices].reverse().map((choice) => repair(set(['data', 'size', index], choice))),
    }];
  });
}

function checkLists(experiment: Experiment): readonly Finding[] {
  const { data, distill, train } = experiment;
  const findings: Finding[] = [];
  for (const [index, name] of repeated(data.classes ?? [])) {
    findings.push({ code: 'DL116', message: `The class \`${name}\` is given twice.`, path: ['data', 'classes', index], related: [{ path: ['data', 'classes', (data.classes ?? []).indexOf(name)], message: 'Given here first.' }], advice: 'Keep one of the two.', repairs: [safeRepair(remove(['data', 'classes', index]))] });
  }
  for (const [index, method] of repeated(distill.map((options) => options.method))) {
    findings.push({ code: 'DL116', message: `The method \`${method}\` is given twice.`, path: ['distill', index, 'method'], related: [{ path: ['distill', distill.findIndex((options) => options.method === method), 'method'], message: 'Given here first.' }], advice: 'Keep one, with the sum of the weights.', repairs: [repair(remove(['distill', index]))] });
  }
  findings.push(...checkTeacherLists(experiment));
  const [low, high] = data.augment.scale;
  if (low > high) {
    findings.push({ code: 'DL118', message: 'The range of the scale jitter is empty: its first number is the larger.', path: ['data', 'augment', 'scale'], expected: '[smallest, largest]', got: `[${low}, ${high}]`, advice: `Write [${high}, ${low}].`, repairs: [safeRepair(set(['data', 'augment', 'scale'], [high, low]))] });
  }
  train.milestones.forEach((milestone, index) => {
    const before = train.milestones[index - 1];
    if (before !== undefined && milestone <= before) {
      findings.push({ code: 'DL118', message: 'Milestones must grow.', path: ['train', 'milestones', index], expected: `a number above ${before}`, got: String(milestone), repairs: [repair(set(['train', 'milestones'], [...new Set(train.milestones)].sort((a, b) => a - b)))] });
    }
  });
  return findings;
}

/** What stands twice among the teachers: a method of one of them, or the same weights. */
function checkTeacherLists(experiment: Experiment): readonly Finding[] {
  const teachers = teachersOf(experiment);
  const methods = teachers.flatMap((teacher, place) => repeated(teacher.methods ?? []).map(([index, method]): Finding => {
    const path: KeyPath = [...teacherPath(experiment, place), 'methods'];
    return { code: 'DL116', message: `The method \`${method}\` is given twice.`, path: [...path, index], advice: 'Keep one of the two.', repairs: [safeRepair(remove([...path, index]))] };
  }));
  const weights = repeated(teachers.map((teacher) => teacher.weights)).map(([index, file]): Finding => ({
    code: 'DL116', severity: 'warning', message: `Two teachers have the same weights, ${file}.`, path: ['teacher', index, 'weights'],
    related: [{ path: ['teacher', teachers.findIndex((teacher) => teacher.weights === file), 'weights'], message: 'Given here first.' }],
    advice: 'Name another file, or keep one of the two.', repairs: [repair(remove(['teacher', index]))],
  }));
  return [...methods, ...weights];
}

function repeated(names: readonly string[]): readonly (readonly [number, string])[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [[index, name] as const] : []));
}

/** Number of steps where the file alone tells it: `steps`, or `epochs` of the drawn scenes; else undefined. */
export function plannedSteps({ train, data }: Experiment): number | undefined {
  if (train.steps !== undefined) return train.steps;
  if (train.epochs === undefined || data.format !== 'scenes') return undefined;
  return Math.max(1, Math.round((train.epochs * data.train) / train.batch));
}

function checkLength(experiment: Experiment): readonly Finding[] {
  const { train, data } = experiment;
  const findings: Finding[] = [];
  if (train.steps !== undefined && train.epochs !== undefined) {
    findings.push({ code: 'DL115', message: 'The length of the run is given twice, as `steps` and as `epochs`.', path: ['train', 'epochs'], at: 'key', related: [{ path: ['train', 'steps'], message: 'The other length.' }], advice: 'Keep one of the two.', repairs: [repair(remove(['train', 'epochs'])), repair(remove(['train', 'steps']))] });
  }
  if (train.steps === undefined && train.epochs === undefined) {
    findings.push({ code: 'DL115', message: 'The length of the run is missing.', path: ['train', 'steps'], at: 'key', expected: '`steps` or `epochs`', advice: 'Add `steps: 1000` (optimizer steps) or `epochs: 12` (passes over the training images).', repairs: [repair(set(['train', 'steps'], 1000)), repair(set(['train', 'epochs'], 12))] });
  }
  const planned = plannedSteps(experiment);
  if (planned !== undefined && shortestStage(experiment, planned) === 0) {
    findings.push({ code: 'DL115', message: `The run is shorter than its list of teachers: some would teach no step.`, path: ['teaching'], expected: `at least ${teachersOf(experiment).length} steps, one a teacher`, got: String(planned), related: [{ path: ['teacher'], message: 'The list of teachers.' }], repairs: [repair(remove(['teaching']))] });
  }
  if (data.format === 'scenes' && data.train < train.batch) {
    findings.push({ code: 'DL115', message: `A batch of ${train.batch} cannot be drawn from ${data.train} training images.`, path: ['train', 'batch'], expected: `at most ${data.train}`, got: String(train.batch), related: [{ path: ['data', 'train'], message: 'The number of training images.' }], repairs: [repair(set(['train', 'batch'], data.train))] });
  }
  return findings;
}

function checkSchedule(experiment: Experiment): readonly Finding[] {
  const steps = plannedSteps(experiment);
  if (steps === undefined) return [];
  const { train, evaluate, pictures, checkpoint } = experiment;
  const findings: Finding[] = [];
  const stage = shortestStage(experiment, steps);
  const [part, whose] = stage < steps ? ['part of each teacher', 'each teacher\'s'] : ['run', 'the run\'s'];
  if (train.warmup >= stage) {
    findings.push({ code: 'DL117', message: `The warm-up is as long as the ${part}: the full learning rate is never reached.`, path: ['train', 'warmup'], expected: `fewer than ${whose} ${stage} steps`, got: String(train.warmup), advice: 'Shorten the warm-up (0 turns it off) or lengthen the run.', related: lengthOf(experiment), repairs: shorter(['train', 'warmup'], stage) });
  } else if (train.schedule === 'step') {
    const index = train.milestones.findIndex((milestone) => Math.floor(milestone * stage) < train.warmup);
    const milestone = train.milestones[index];
    if (milestone !== undefined) {
      const falls = Math.floor(milestone * stage);
      findings.push({ code: 'DL117', severity: 'warning', message: `The rate falls at step ${falls}, before the warm-up of ${train.warmup} steps is over.`, path: ['train', 'milestones', index], got: String(milestone), advice: 'Shorten the warm-up, or let the rate fall later.', related: [{ path: ['train', 'warmup'], message: 'The warm-up.' }], repairs: [repair(set(['train', 'warmup'], falls))] });
    }
  }
  const intervals: readonly (readonly [KeyPath, number | undefined, string])[] = [
    [['evaluate', 'every'], evaluate.every, 'evaluated only at its end'],
    [['pictures', 'every'], pictures.every, 'recorded only at its end'],
    [['checkpoint', 'every'], checkpoint.every, 'saved only at its end'],
  ];
  for (const [path, every, consequence] of intervals) {
    if (every !== undefined && every > steps) {
      findings.push({ code: 'DL117', severity: 'warning', message: `The interval is longer than the run's ${steps} steps: the run is ${consequence}.`, path, got: String(every), related: lengthOf(experiment), repairs: [repair(remove(path)), repair(set(path, Math.max(1, Math.round(steps / 10))))] });
    }
  }
  for (const { path, steps: growing, severity, what } of methodWarmups(experiment)) {
    if (growing === 0 || growing < stage) continue;
    findings.push({ code: 'DL117', severity, message: `${what} when the ${part} ends.`, path, expected: `fewer than ${whose} ${stage} steps`, got: String(growing), related: lengthOf(experiment), repairs: shorter(path, stage) });
  }
  return findings;
}

function lengthOf({ train }: Experiment): Finding['related'] {
  return [{ path: ['train', train.steps === undefined ? 'epochs' : 'steps'], message: 'The length of the run.' }];
}

/** A tenth of the part, or none. */
function shorter(path: KeyPath, stage: number): readonly Repair[] {
  return [...new Set([Math.floor(stage / 10), 0])].map((steps) => repair(set(path, steps)));
}

const GPU_NUMBERS = /^\d+(?:,\d+)*$/;

/** Backend and device, as far as they exclude each other on any machine. */
function checkEngine({ engine: { backend, device, replicas }, train: { batch } }: Experiment): readonly Finding[] {
  const findings: Finding[] = [];
  const isGpu = device !== undefined && device !== 'cpu';
  if (backend === 'wasm') {
    findings.push({ code: 'DL204', severity: 'warning', message: 'The WebAssembly backend cannot train: it serves `evaluate` and `predict` only.', path: ['engine', 'backend'], advice: 'Use `auto`, `tensorflow`, `webgpu` or `cpu` for a run.', repairs: [repair(set(['engine', 'backend'], 'auto'))] });
  }
  if (isGpu && !GPU_NUMBERS.test(device)) {
    const number = /^(?:cuda|gpu):?(\d+)$/i.exec(device)?.[1];
    findings.push({ code: 'DL205', message: `There is no device \`${device}\`.`, path: ['engine', 'device'], expected: '`cpu` or numbers of GPUs, for example `0` or `0,1`', got: device, repairs: [...(number === undefined ? [] : [safeRepair(set(['engine', 'device'], number))]), repair(remove(['engine', 'device']))] });
  } else if ((isGpu && (backend === 'wasm' || backend === 'cpu')) || (device !== undefined && backend === 'webgpu')) {
    findings.push({ code: 'DL205', message: backend === 'webgpu' ? 'WebGPU takes the GPU that the system names first; it cannot be chosen.' : `The backend \`${backend}\` runs on no GPU.`, path: ['engine', 'device'], got: device, related: [{ path: ['engine', 'backend'], message: 'The backend.' }], advice: 'Leave `device` out, or use the backend `tensorflow`.', repairs: [repair(remove(['engine', 'device'])), repair(set(['engine', 'backend'], 'tensorflow'))] });
  }
  if (batch % replicas !== 0) {
    const fitting = Array.from({ length: replicas }, (_, index) => replicas - index).find((parts) => batch % parts === 0) ?? 1;
    findings.push({ code: 'DL131', message: `A batch of ${batch} cannot be split into ${replicas} equal parts.`, path: ['engine', 'replicas'], expected: `a divisor of ${batch}`, got: String(replicas), related: [{ path: ['train', 'batch'], message: 'The batch.' }], repairs: [repair(set(['engine', 'replicas'], fitting)), repair(set(['train', 'batch'], replicas * Math.ceil(batch / replicas)))] });
  }
  const named = isGpu ? device.split(',').length : undefined;
  if (named !== undefined && named < replicas) {
    findings.push({ code: 'DL131', message: `${replicas} parts need as many GPUs; \`device\` names ${named}.`, path: ['engine', 'replicas'], expected: `at most ${named}`, got: String(replicas), related: [{ path: ['engine', 'device'], message: 'The GPUs.' }], repairs: [repair(set(['engine', 'replicas'], named)), repair(remove(['engine', 'device']))] });
  }
  return findings;
}

/** Keys that were written but change nothing: worth a word, since the writer expects them to. */
function checkIdleKeys(experiment: Experiment, written: unknown): readonly Finding[] {
  const { train, student, pictures, teaching } = experiment;
  const findings: Finding[] = [];
  const idle = (path: KeyPath, when: boolean, why: string): void => {
    if (when && valueAt(written, path) !== undefined) findings.push({ code: 'DL121', severity: 'warning', message: `\`${String(path.at(-1))}\` changes nothing: ${why}.`, path, at: 'key', advice: 'Remove it.', repairs: [safeRepair(remove(path))], idle: true });
  };
  idle(['train', 'momentum'], train.optimizer !== 'sgd', 'it belongs to the optimizer `sgd`');
  idle(['train', 'betas'], train.optimizer !== 'adamw', 'they belong to the optimizer `adamw`');
  idle(['train', 'milestones'], train.schedule !== 'step', 'they belong to the schedule `step`');
  idle(['pictures', 'every'], pictures.images === 0, 'no images are recorded (`pictures.images: 0`)');
  const { capture, backend, precision, convolutions } = experiment.engine;
  idle(['engine', 'precision'], precision === 'mixed' && !capture, 'without capture all is float32');
  idle(['engine', 'precision'], precision === 'mixed' && capture && (backend === 'cpu' || backend === 'webgpu'), `the backend \`${backend}\` computes in float32`);
  idle(['engine', 'convolutions'], convolutions === 'fast' && !capture, 'without capture they are direct');
  for (const key of ['size', 'folder']) idle(['engine', 'teacherCache', key], experiment.engine.teacherCache.keep === 'none', 'nothing is kept (`keep: none`)');
  idle(['train', 'decayNorms'], train.weightDecay === 0, 'nothing decays (`weightDecay: 0`)');
  const teachers = teachersOf(experiment);
  idle(['teaching'], teachers.length < 2, 'there are not several teachers');
  const detectors: readonly (readonly [KeyPath, DetectorConfig])[] = [[['student'], student], ...teachers.map((teacher, index) => [teacherPath(experiment, index), teacher] as const)];
  for (const [index, { share }] of teachers.entries()) idle([...teacherPath(experiment, index), 'share'], share !== undefined && (teachers.length < 2 || teaching === 'progressive'), 'no other teacher teaches at the same time');
  for (const [role, detector] of detectors) {
    idle([...role, 'neck', 'p6From'], outlineOf(detector).levels < 4, 'the pyramid ends before P6');
    idle([...role, 'head', 'bias'], outlineOf(detector).headNorm === 'none', 'without a norm the convolutions have biases anyway');
    for (const { path, when, why } of idleInDetector(detector)) idle([...role, ...path], when, why);
  }
  return findings;
}

/** Options of one detector that another passes over. */
export function idleInDetector({ detector, backbone, preset }: Pick<DetectorConfig, 'detector' | 'backbone' | 'preset'>): readonly { readonly path: KeyPath; readonly when: boolean; readonly why: string }[] {
  const single = detector === 'atss' || detector === 'gfl';
  return [
    { path: ['fcos'], when: detector !== 'fcos', why: 'it belongs to the detector `fcos`' },
    { path: ['gfl'], when: detector !== 'gfl', why: 'it belongs to the detector `gfl`' },
    { path: ['boxLoss'], when: detector !== 'retinanet', why: 'it belongs to the detector `retinanet`' },
    { path: ['anchors'], when: detector === 'fcos', why: 'FCOS has points instead of anchors' },
    ...['octaves', 'ratios', 'rounded'].map((key) => ({ path: ['anchors', key], when: single, why: 'there is one square anchor a cell' })),
    { path: ['style'], when: !/^resne(t50|t101|xt)/.test(backbone), why: 'the backbone has no bottleneck blocks' },
    { path: ['preset'], when: single && preset === 'torchvision', why: `torchvision has no ${detector.toUpperCase()}` },
  ];
}
