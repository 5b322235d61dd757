/** Why kept outputs of a teacher serve an image or its mirror image, not both. */
import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { openScenes } from '../../../src/data/scenes.ts';
import { prepareExample } from '../../../src/data/prepare.ts';
import { type AnnotatedImage } from '../../../src/data/sample.ts';
import { inference } from '../../../src/detectors/detector.ts';
import { createTeacher } from '../../../src/detectors/table.ts';
import { readWeights } from '../../../src/engine/weights/read.ts';
import { dataSchema, detectorSchema } from '../../../src/experiment/schema.ts';

it('the features of a mirrored image are not the mirrored features: more than a tenth apart at every level of the demo\'s teacher', async () => {
  await tf.setBackend('cpu');
  const classes = ['disc', 'square', 'triangle', 'star'];
  const data = dataSchema.parse({ format: 'scenes', train: 1, size: [64, 64], classes });
  if (data.format !== 'scenes') throw new Error('not scenes');
  const { pixels } = await prepareExample(openScenes(data, 'train').images[0] as AnnotatedImage, data, undefined);
  const { detector } = createTeacher(detectorSchema.parse({ detector: 'retinanet', backbone: 'small' }), { classes }, await readWeights(resolve('examples/teachers/scenes-retinanet-small.safetensors')));
  const apart = tf.tidy(() => {
    const image = tf.tensor4d(pixels, [1, 64, 64, 3]);
    const [of, ofMirrored] = [detector.forward(image, inference()).features, detector.forward(tf.reverse(image, 2), inference()).features];
    return of.map((plain, level) => tf.div(tf.norm(tf.sub(tf.reverse(ofMirrored[level] as tf.Tensor4D, 2), plain)), tf.norm(plain)).dataSync()[0] ?? 0);
  });
  console.log(`apart by ${apart.map((distance) => distance.toFixed(2)).join(', ')} of their norm, level by level`);
  for (const distance of apart) expect(distance).toBeGreaterThan(0.1);
});
