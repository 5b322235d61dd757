/** Whole blocks: what one would else copy from another experiment. In the syntax of snippets. */
import { schemasAt } from '../experiment/jsonSchema.ts';
import { METHOD_CARDS, type MethodCard } from '../experiment/methods/index.ts';
import { BACKBONES, DETECTORS } from '../experiment/schema.ts';
import { defaultOf } from './defaults.ts';
import { literal, yamlValue } from './snippet.ts';

export interface Block {
  readonly label: string;
  readonly detail: string;
  /** Lines below its key, without indentation of their own. */
  readonly lines: readonly string[];
}

const choice = (stop: number, values: readonly string[]): string => `\${${stop}|${values.join(',')}|}`;
const detectors = choice(1, DETECTORS);
const backbones = (first: string): string => choice(2, [first, ...BACKBONES.filter((name) => name !== first)]);

/** By key of the experiment. */
const BLOCKS: Readonly<Record<string, readonly Block[]>> = {
  data: [
    { label: 'data: scenes', detail: 'drawn scenes, nothing to download', lines: ['format: scenes', 'train: ${1:1500}', 'val: ${2:200}', 'size: [${3:128}, ${4:128}]', 'augment:', '  flip: 0.5', '  flipVertical: 0.5'] },
    { label: 'data: coco', detail: 'images with COCO JSON', lines: ['format: coco', 'root: ${1:.}', 'train: { annotations: ${2:annotations/train.json}, images: ${3:train} }', 'val: { annotations: ${4:annotations/val.json}, images: ${5:val} }', 'size: [${6:512}, ${7:512}]'] },
    { label: 'data: voc', detail: 'Pascal VOC folder', lines: ['format: voc', 'root: ${1:.}', 'train: ${2:train}', 'val: ${3:val}', 'size: [${4:512}, ${5:512}]'] },
    { label: 'data: yolo', detail: 'YOLO labels with their data.yaml', lines: ['format: yolo', 'root: ${1:.}', 'config: ${2:data.yaml}', 'size: [${3:640}, ${4:640}]'] },
  ],
  teacher: [
    { label: 'teacher: one', detail: 'a trained network and its file', lines: [`detector: ${detectors}`, `backbone: ${backbones('resnet50')}`, 'weights: ${3:teacher.safetensors}'] },
    {
      label: 'teacher: several', detail: 'a list of trained networks', lines: [
        `- detector: ${detectors}`, `  backbone: ${backbones('resnet50')}`, '  weights: ${3:first.safetensors}',
        `- detector: ${choice(4, DETECTORS)}`, `  backbone: ${choice(5, BACKBONES)}`, '  weights: ${6:second.safetensors}',
      ],
    },
  ],
  student: [{ label: 'student: block', detail: 'the network that is trained', lines: [`detector: ${detectors}`, `backbone: ${backbones('resnet18')}`] }],
  train: [
    { label: 'train: steps', detail: 'a short run with AdamW', lines: ['steps: ${1:1000}', 'batch: ${2:4}', 'optimizer: adamw', 'learningRate: ${3:0.002}', 'schedule: cosine', 'warmup: ${4:100}', 'seed: ${5:0}'] },
    { label: 'train: epochs', detail: 'passes over the images with SGD', lines: ['epochs: ${1:12}', 'batch: ${2:4}', 'optimizer: sgd', 'learningRate: ${3:0.005}', 'schedule: step', 'warmup: ${4:500}', 'seed: ${5:0}'] },
  ],
};

export function blocksOf(key: string): readonly Block[] {
  return Object.hasOwn(BLOCKS, key) ? BLOCKS[key] ?? [] : [];
}

/** An item of `distill` for each method, with its options at the defaults that hold for this student. */
export function methodBlocks(data: unknown): readonly (Block & { readonly card: MethodCard })[] {
  const student = typeof data === 'object' && data !== null ? (data as { readonly student?: unknown }).student : undefined;
  return Object.values<MethodCard>(METHOD_CARDS).map((card) => {
    const alone = { student, distill: [{ method: card.id }] };
    const options = schemasAt(['distill', 0], alone).flatMap(({ properties = {} }) => Object.keys(properties)).filter((key) => key !== 'method');
    let stop = 0;
    const lines = options.flatMap((key) => {
      const value = defaultOf(['distill', 0, key], alone)?.value;
      if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return [];
      stop += 1;
      return [`${key}: \${${stop}:${literal(yamlValue(value))}}`];
    });
    return { card, label: `method: ${card.id}`, detail: `${card.title}, with its options`, lines: [`method: ${card.id}`, ...lines] };
  });
}
