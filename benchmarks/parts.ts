/** The step taken apart: the same program with less and less in it, and what goes on around it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import * as tf from '@tensorflow/tfjs';
import { prepareExample } from '../src/data/index.ts';
import { fileImage } from '../src/data/images.ts';
import { type AnnotatedImage } from '../src/data/sample.ts';
import { inference } from '../src/detectors/detector.ts';
import { squaredNorm } from '../src/engine/ops/squaredNorm.ts';
import { Random } from '../src/engine/random.ts';
import { dataSchema } from '../src/experiment/schema.ts';
import { INFERENCE_BATCH, inferenceFunction } from '../src/run/infer.ts';
import { teachersIn, trainingStep, unprefixed } from '../src/run/step.ts';
import { type MoreFunctions, type Sizes, type Subject } from './subject.ts';

/**
 * `teacher`: its forward pass. `student`: forward and backward of the detection loss. `withoutOptimizer`: the whole step but for the
 * update of the weights.
 */
export const partFunctions = (size: Sizes['size']): MoreFunctions => (networks, optimizer, inputs) => {
  const { student, distillers } = networks;
  const logitsToo = distillers.some(({ id }) => id === 'rm' || id === 'pfi');
  const images = (given: Readonly<Record<string, tf.Tensor>>): tf.Tensor4D => given.images as tf.Tensor4D;
  return {
    teacher: {
      example: inputs,
      run: (given) => {
        const outputs = teachersIn(networks).map((teacher) => teacher.forward(images(given), inference()));
        // One number of each map is fetched: what is looked at must be computed, but not brought to the host.
        const maps = outputs.flatMap(({ features, logits }) => [...features, ...(logitsToo ? logits : [])]);
        return { outputs: { sum: tf.addN(maps.map((map) => tf.sum(tf.slice(map, [0, 0, 0, 0], [1, 1, 1, 1])))) } };
      },
    },
    student: {
      example: inputs,
      run: (given) => {
        const weights = student.parameters.trainable().map(({ variable }) => variable);
        const { grads } = tf.variableGrads(() => tf.addN(Object.values(student.loss(student.forward(images(given), { training: true, updates: [] }), unprefixed('target', given)))), weights);
        return { outputs: { gradientNorm: tf.sqrt(tf.addN(Object.values(grads).map((gradient) => squaredNorm(gradient)))) } };
      },
    },
    withoutOptimizer: { example: inputs, run: (given) => ({ outputs: trainingStep(networks, optimizer)(given).outputs }) },
    infer: inferenceFunction(student, size),
  };
};

export type PartTimes = Record<string, number[]>;

/** One round of all parts, into `times`, in milliseconds. The whole step stands beside them, so that differences are of one moment. */
export async function timeParts({ program, inputs, student, targets }: Subject, { size, batch }: Sizes, picture: AnnotatedImage, round: number, times: PartTimes): Promise<void> {
  const note = (name: string, since: number): void => { (times[name] ??= []).push(performance.now() - since); };
  for (const name of ['teacher', 'student', 'withoutOptimizer', 'train']) {
    const begin = performance.now();
    program.run(name, inputs);
    note(name === 'train' ? 'step' : name, begin);
  }
  const host = performance.now();
  targets();
  note('targets', host);

  const decoding = performance.now();
  const config = dataSchema.parse({ format: 'scenes', size, resize: 'stretch', augment: { flip: 0.5 } });
  await Promise.all(Array.from({ length: batch }, (_, slot) => prepareExample(picture, config, Random.of(round, slot))));
  note('data', decoding);

  const evaluating = performance.now();
  const images = { shape: [INFERENCE_BATCH, ...size, 3], dtype: 'float32' as const, data: new Float32Array(INFERENCE_BATCH * size[0] * size[1] * 3) };
  student.detections(program.run('infer', { images }), Array.from({ length: INFERENCE_BATCH }, () => size));
  note('evaluation', evaluating);
}

/** A JPEG of 640 × 480, as detection data has them. */
export async function writePicture(folder: string): Promise<AnnotatedImage> {
  const [width, height] = [640, 480];
  const random = Random.of(8);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => 128 + 60 * Math.sin(at / 3000) + 8 * random.uniform());
  const path = join(folder, 'picture.jpg');
  await writeFile(path, await sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 90 }).toBuffer());
  return fileImage({ index: 0, id: 'picture', size: { width, height }, objects: [], source: { kind: 'file', path, upright: false } });
}
