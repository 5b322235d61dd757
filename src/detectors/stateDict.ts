/**
 * PyTorch state dicts in and out: MMDetection's dense detectors (2.x and 3.x), torchvision's, and ImageNet backbones alone.
 * Loading writes into the variables, so it happens before a program is captured; saving takes the values from whoever has them.
 */
import * as tf from '@tensorflow/tfjs';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { type Parameter } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { chooseClasses, takeClasses } from './classes.ts';
import { type Detector, type DetectorTraits } from './detector.ts';
import { classLayer, inTorchvision } from './headNames.ts';
import { fromPytorch, pytorchShape, toPytorch } from './layout.ts';
import { ourName, recognise, torchvisionName, unwrap, type FileNaming, type Naming } from './names.ts';

export type StateDict = ReadonlyMap<string, HostTensor>;

export interface LoadReport {
  readonly naming: FileNaming;
  /** Our names. */
  readonly loaded: readonly string[];
  /** Weights of the network that the file does not have: they keep their values. */
  readonly missing: readonly string[];
  /** The file's names that the network has no place for. */
  readonly unexpected: readonly string[];
  /** Class outputs of another number of classes, left as they were (never if strict). */
  readonly mismatched: readonly string[];
  /** What was done to make the file fit, for the log. */
  readonly notes: readonly string[];
}

export interface LoadOptions {
  /** Every weight must be there, of the right shape. Otherwise weights may be missing, and the class outputs may be of other classes. */
  readonly strict: boolean;
}

/** Entries under our names, PyTorch's layout kept. */
export interface NamedState {
  readonly naming: FileNaming;
  readonly entries: ReadonlyMap<string, HostTensor>;
  /** The file's name of each entry. */
  readonly fileNames: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** @throws DistillError DL521 if the names are nobody's that is known */
export function nameEntries(state: StateDict, traits: DetectorTraits): NamedState {
  const naming = recognise([...state.keys()].map(unwrap));
  if (naming === undefined) {
    throw new DistillError('DL521', 'The weight file is neither a dense detector of MMDetection or torchvision nor a backbone.', {
      expected: 'names such as backbone.layer1.0.conv1.weight (MMDetection), backbone.body.conv1.weight (torchvision) or layer1.0.conv1.weight or features.1.conv.1.weight (a ResNet or MobileNetV2 alone)',
      got: state.size === 0 ? 'no tensors' : [...state.keys()].slice(0, 3).join(', '),
      advice: 'Give the state dict of the detector itself, not of a training wrapper or another model.',
    });
  }
  const entries = new Map<string, HostTensor>();
  const fileNames = new Map<string, string>();
  const notes = new Set<string>();
  for (const [fileName, tensor] of state) {
    const name = ourName(unwrap(fileName), naming, traits.detector);
    if (name === undefined) continue;
    const fitted = naming === 'torchvision' && name.startsWith(classLayer(traits.detector)) ? fitClasses(tensor, traits) : { tensor };
    if (fitted.note !== undefined) notes.add(fitted.note);
    entries.set(name, fitted.tensor);
    fileNames.set(name, fileName);
  }
  return { naming, entries, fileNames, notes: [...notes] };
}

function fitClasses(tensor: HostTensor, { anchorsPerCell, classes }: DetectorTraits): { tensor: HostTensor; note?: string } {
  const inFile = (tensor.shape[0] ?? 0) / anchorsPerCell;
  const choice = chooseClasses(inFile, classes.length);
  return choice === undefined ? { tensor } : { tensor: takeClasses(tensor, anchorsPerCell, inFile, choice.outputs), note: choice.note };
}

/** @throws DistillError DL520 shape, DL521 unknown names, DL522 missing weights if strict */
export function loadStateDict(detector: Detector, state: StateDict, options: LoadOptions): LoadReport {
  return loadEntries(detector, nameEntries(state, detector.traits), options);
}

export function loadEntries(detector: Detector, { naming, entries, fileNames, notes }: NamedState, { strict }: LoadOptions): LoadReport {
  const [loaded, missing, mismatched]: [Parameter[], string[], string[]] = [[], [], []];
  for (const parameter of detector.parameters.all()) {
    const tensor = entries.get(parameter.name);
    if (tensor === undefined) missing.push(parameter.name);
    else if (fits(parameter, tensor)) loaded.push(parameter);
    else if (!strict && parameter.name.startsWith(classLayer(detector.traits.detector))) mismatched.push(parameter.name);
    else throw wrongShape(parameter, tensor, fileNames.get(parameter.name) ?? parameter.name, detector.traits);
  }
  if (loaded.length === 0 || (strict && missing.length > 0)) throw missingWeights(missing, detector.parameters.all().length);
  // Nothing is written before everything was checked.
  for (const parameter of loaded) assign(parameter, entries.get(parameter.name));
  const unexpected = [...fileNames].filter(([name]) => detector.parameters.get(name) === undefined).map(([, fileName]) => fileName);
  return { naming, loaded: loaded.map(({ name }) => name), missing, unexpected, mismatched, notes };
}

function fits({ variable, layout }: Parameter, tensor: HostTensor): boolean {
  return pytorchShape(variable.shape, layout).join() === tensor.shape.join();
}

function assign({ variable, layout }: Parameter, tensor: HostTensor | undefined): void {
  if (tensor === undefined) return;
  const value = tf.tensor(fromPytorch(Float32Array.from(tensor.data), variable.shape, layout), variable.shape, 'float32');
  variable.assign(value);
  value.dispose();
}

function wrongShape({ name, variable, layout }: Parameter, tensor: HostTensor, fileName: string, traits: DetectorTraits): DistillError {
  const advice = name.startsWith('neck.fpn_convs.3.')
    ? 'P6 of this file is made from the other map: set neck.p6From to p5 (torchvision\'s first RetinaNet, and FCOS, ATSS, GFL) or c5.'
    : name.startsWith(classLayer(traits.detector))
      ? `The file's classes are not these ${traits.classes.length}: give data.classes as the file was trained on.`
      : traits.detector === 'gfl' && name.startsWith('bbox_head.gfl_reg.')
      ? 'Set gfl.bins to the file\'s number of bins a side: a quarter of its outputs.'
      : 'Check backbone, neck.channels, head and anchors against the model that the file belongs to.';
  return new DistillError('DL520', `Weight ${fileName} has another shape than this ${traits.detector} with ${traits.backbone}.`, {
    expected: `[${pytorchShape(variable.shape, layout).join(', ')}]`, got: `[${tensor.shape.join(', ')}]`, advice,
  });
}

function missingWeights(missing: readonly string[], all: number): DistillError {
  const shown = missing.slice(0, 5).join(', ');
  return new DistillError('DL522', `The weight file lacks ${missing.length} of the network's ${all} weights.`, {
    expected: missing.length > 5 ? `${shown}, …` : shown,
    advice: 'Check that backbone, norm, neck and head are those of the file.',
  });
}

/**
 * The network's weights as PyTorch would save them.
 * @param read present values of variables, in their order
 * @throws DistillError DL524 if torchvision has no such detector
 */
export function saveStateDict(detector: Detector, naming: Naming, read: (variables: readonly tf.Variable[]) => readonly Float32Array[]): Map<string, HostTensor> {
  const { traits } = detector;
  if (naming === 'torchvision' && !inTorchvision(traits.detector)) {
    throw new DistillError('DL524', `torchvision has no ${traits.detector.toUpperCase()}, and so no names for its weights.`, { advice: 'Export with MMDetection\'s names (--naming mmdetection).' });
  }
  const parameters = detector.parameters.all();
  const values = read(parameters.map(({ variable }) => variable));
  const state = new Map(parameters.map(({ name, variable, layout }, index): [string, HostTensor] => {
    const value = values[index];
    if (value === undefined) throw new Error(`no value of ${name} was read`);
    return [naming === 'torchvision' ? torchvisionName(name, traits.detector) : name, toPytorch(value, variable.shape, layout)];
  }));
  // MMDetection keeps the bins' numbers among the weights, though they never change.
  if (traits.boxCoding?.form === 'distribution') state.set('bbox_head.integral.project', float32([traits.boxCoding.bins], Float32Array.from({ length: traits.boxCoding.bins }, (_, bin) => bin)));
  return state;
}

/** Values that are in the variables themselves: outside captured programs. */
export function readVariables(variables: readonly tf.Variable[]): Float32Array[] {
  return variables.map((variable) => Float32Array.from(variable.dataSync()));
}

/** A weight in PyTorch's layout, scaled by output channel. */
export function scaleOutputs(weight: HostTensor, factor: Float64Array): HostTensor {
  const width = weight.data.length / factor.length;
  // A loop: `from` with a function takes seconds for a large network.
  const data = new Float32Array(weight.data.length);
  for (let index = 0; index < data.length; index += 1) data[index] = (weight.data[index] ?? 0) * (factor[Math.floor(index / width)] ?? 1);
  return float32(weight.shape, data);
}
