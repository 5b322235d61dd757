/** Experiments for data that was found: a teacher to train first, and the student that learns from it. */
import path from 'node:path';
import { RESNET_LESSON } from '../experiment/templates.ts';
import { type FoundCocoSplit, type FoundData } from './findData.ts';

/** `teacher` trains the big network, `student` distils it into a small one. */
export type Purpose = 'teacher' | 'student';

export interface OwnExperiment {
  /** Name of the new file. */
  readonly file: string;
  readonly text: string;
}

export interface OwnExperimentOptions {
  readonly data: FoundData;
  readonly purpose: Purpose;
  /** Folder that the experiment will lie in. */
  readonly folder: string;
  /** Weight file that lies in the workspace, relative to that folder, if there is one. */
  readonly weights?: string | undefined;
}

export function ownExperiment(options: OwnExperimentOptions): OwnExperiment {
  const { data, purpose } = options;
  const name = nameOf(data);
  const large = options.weights !== undefined && /\.pth?$/i.test(options.weights);
  const full = `${name}-${purpose === 'teacher' ? 'teacher' : 'fgd'}`;
  const parts = purpose === 'teacher' ? teacher(name) : student(name, options.weights, large);
  return { file: `${full}.distill.yaml`, text: [parts.head, `name: ${full}`, '', dataSection(options, large), '', parts.body].join('\n') };
}

/** The weight file that is this data's teacher: called after it, or PyTorch's. @param files relative paths. */
export function teacherAmong(files: readonly string[], data: Pick<FoundData, 'root'>): string | undefined {
  const name = nameOf(data);
  return files.find((file) => path.basename(file).toLowerCase().includes(name)) ?? files.find((file) => /\.pth?$/i.test(file));
}

/** A short word for file names: the data's folder, or the one above where that says nothing. */
export function nameOf({ root }: Pick<FoundData, 'root'>): string {
  const telling = root.split(/[/\\]/).filter((part) => part !== '' && !/^(data|dataset|annotations|voc|coco|yolo)$/i.test(part)).at(-1) ?? 'my-data';
  return telling.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40) || 'my-data';
}

function dataSection({ data, folder }: OwnExperimentOptions, large: boolean): string {
  const root = path.relative(folder, data.root).split(path.sep).join('/') || '.';
  const lines = ['data:', `  format: ${data.format}`, `  root: ${scalar(root)}`];
  if (data.format === 'voc') lines.push(`  train: ${scalar(data.train)}                # names of lists in ImageSets`, `  val: ${scalar(data.val)}`);
  if (data.format === 'coco') lines.push(`  train: ${split(data.train)}`, `  val: ${split(data.val)}`);
  if (data.format === 'yolo') lines.push(`  config: ${scalar(data.config)}`);
  if (data.format !== 'yolo' && JSON.stringify(data.train) === JSON.stringify(data.val)) lines.push('  # No validation images were found: AP on training images says little. Keep some apart.');
  if (data.classes.length > 0) lines.push(`  classes: [${data.classes.map(scalar).join(', ')}]`);
  const [height, width] = inputSize(data.imageSize, large ? 512 : 160);
  const seen = data.imageSize === undefined ? '' : `; images are ${data.imageSize.join(' × ')}`;
  lines.push(`  size: [${height}, ${width}]            # height, width: multiples of 32${seen}`, '  augment: { flip: 0.5, photometric: 0.2 }');
  return lines.join('\n');
}

function split({ annotations, images }: FoundCocoSplit): string {
  return `{ annotations: ${scalar(annotations)}, images: ${scalar(images)} }`;
}

/** The image's shape with its longer side as given, in whole strides. */
export function inputSize(image: readonly [number, number] | undefined, longest: number): [number, number] {
  if (image === undefined) return [longest, longest];
  const scale = Math.min(1, longest / Math.max(...image));
  const side = (length: number): number => Math.max(32, Math.round((length * scale) / 32) * 32);
  return [side(image[0]), side(image[1])];
}

interface Parts {
  readonly head: string;
  readonly body: string;
}

function teacher(name: string): Parts {
  return {
    head: `# The teacher: the bigger network, trained on your images first. No \`distill\`: a plain training run.
# Afterwards: distill-lab export runs/<the run's folder> --output teachers/${name}.safetensors`,
    body: `student:                      # what is trained is always called the student
  detector: retinanet
  backbone: small             # trains from scratch in minutes; large ones want weights to begin with

train:
  steps: 1200
  batch: 4
  optimizer: adamw
  learningRate: 0.002
  warmup: 100

pictures:
  images: 0                   # nothing is distilled, so there are no masks to see
`,
  };
}

function student(name: string, weights: string | undefined, large: boolean): Parts {
  const networks = large
    ? `teacher:
  detector: retinanet
  backbone: resnet50
  weights: ${scalar(weights ?? '')}     # state dict of MMDetection or torchvision
  preset: mmdetection         # or torchvision

${RESNET_LESSON}`
    : `teacher:
  detector: retinanet
  backbone: small
  weights: ${scalar(weights ?? `teachers/${name}.safetensors`)}   # exported from the run of ${name}-teacher.distill.yaml

student:
  detector: retinanet
  backbone: tiny
  inherit: neck+head          # begin with the teacher's neck and head where shapes agree

distill:
  - method: fgd
    scale: normalized         # for small networks
    temperature: 1.0

train:
  steps: 600
  batch: 4
  optimizer: adamw
  learningRate: 0.006
  warmup: 100`;
  return { head: '# A small network learns from the big one on your images.', body: `${networks}\n\n# The same student without a teacher, too: the difference is what the method gained.\ncontrol: true\n` };
}

/** Names come from others' files: what YAML might read as something else is quoted as JSON, which YAML reads too. */
function scalar(value: string): string {
  const isPlain = /^[A-Za-z][\w./-]*(?: [\w./-]+)*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return isPlain || value === '.' ? value : JSON.stringify(value);
}
