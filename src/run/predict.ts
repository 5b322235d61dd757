/** `distill-lab predict`: detections of images as JSON, and the images with their boxes drawn. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, extname, join, parse } from 'node:path';
import { imageFromFile, openDataSet, prepareExample } from '../data/index.ts';
import { type Example } from '../data/sample.ts';
import { DistillError } from '../errors.ts';
import { type Experiment } from '../experiment/schema.ts';
import { drawDetections } from './draw.ts';
import { diskError } from './files.ts';
import { detect, toOriginal } from './infer.ts';
import { loadNetwork } from './network.ts';
import { resolvePath } from './paths.ts';

const IMAGE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp']);

export interface PredictOptions {
  readonly experiment: Experiment;
  readonly baseFolder: string;
  readonly weights: string;
  /** Images and folders of images. */
  readonly inputs: readonly string[];
  /** Folder for `predictions.json` and the annotated pictures. */
  readonly output: string;
  readonly scoreThreshold: number;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface PredictedImage {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly detections: readonly {
    /** Pixels of the original image. */
    readonly box: readonly [number, number, number, number];
    readonly label: string;
    readonly score: number;
  }[];
}

export interface Predicted {
  readonly images: number;
  readonly detections: number;
  /** `predictions.json` first, then the pictures. */
  readonly files: readonly string[];
}

export async function predict({ experiment, baseFolder, weights, inputs, output, scoreThreshold, onProgress }: PredictOptions): Promise<Predicted> {
  const paths = inputs.flatMap(listImages);
  if (paths.length === 0) throw new DistillError('DL620', 'There are no images to predict.', { got: inputs.join(', '), expected: 'JPEG, PNG or WebP files, or folders of them' });
  const classes = experiment.data.classes ?? [...(await openDataSet(experiment.data, 'train', { baseFolder })).classes];
  const { detector, program } = await loadNetwork(experiment, 'student', resolvePath(weights, process.cwd()), classes);
  const results: PredictedImage[] = [];
  const files: string[] = [];
  try {
    mkdirSync(output, { recursive: true });
    for await (const { example, detections } of detect(program, 'infer', detector, experiment.data.size, examplesOf(paths, experiment))) {
      const path = paths[example.image.index] as string;
      const found = detections.filter(({ score }) => score >= scoreThreshold)
        .map(({ box, label, score }) => ({ box: toOriginal(box, example.scale), label: classes[label] ?? String(label), score }));
      results.push({ file: path, width: example.image.width, height: example.image.height, detections: found });
      const picture = join(output, uniqueName(path, files));
      await drawDetections(await example.image.pixels(), found, picture);
      files.push(picture);
      onProgress?.(results.length, paths.length);
    }
    const json = join(output, 'predictions.json');
    writeFileSync(json, `${JSON.stringify({ classes, scoreThreshold, images: results }, null, 2)}\n`);
    return { images: results.length, detections: results.reduce((sum, { detections }) => sum + detections.length, 0), files: [json, ...files] };
  } catch (cause) {
    throw diskError(output, cause);
  } finally {
    program.dispose();
  }
}

async function* examplesOf(paths: readonly string[], { data }: Experiment): AsyncGenerator<Example> {
  for (const [index, path] of paths.entries()) yield await prepareExample(await imageFromFile(path, index), data, undefined);
}

function listImages(input: string): string[] {
  let directory: boolean;
  try {
    directory = statSync(input).isDirectory();
  } catch (cause) {
    throw new DistillError('DL620', 'There is no such image or folder.', { where: { file: input }, expected: 'a JPEG, PNG or WebP file, or a folder of them', cause });
  }
  if (!directory) return [input];
  return readdirSync(input).filter((name) => IMAGE_EXTENSIONS.has(extname(name).toLowerCase())).sort().map((name) => join(input, name));
}

/** `a.png` for `x/a.jpg`; a second image of that name becomes `a-2.png`. */
function uniqueName(path: string, taken: readonly string[]): string {
  const { name } = parse(path);
  const names = new Set(taken.map((file) => basename(file)));
  for (let number = 1; ; number += 1) {
    const candidate = `${name}${number === 1 ? '' : `-${number}`}.png`;
    if (!names.has(candidate)) return candidate;
  }
}
