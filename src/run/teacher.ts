/** The teacher: loaded, folded, frozen, and measured once on training images. */
import * as tf from '@tensorflow/tfjs';
import { prepareExample } from '../data/index.ts';
import { type DataSet } from '../data/sample.ts';
import { inference, type Detector } from '../detectors/detector.ts';
import { type TeacherStatistics } from '../distillers/distiller.ts';
import { type Engine } from '../engine/backend.ts';
import { createProgram } from '../engine/program.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { float32 } from '../engine/hostTensor.ts';
import { stackImages } from './infer.ts';

const MEASURED_IMAGES = 32;
const MEASURED_BATCH = 4;

/**
 * Standard deviation of the teacher's features at each level, over the first training images without augmentation:
 * √(E[x²] − E[x]²) over all values of a level.
 */
export async function measureTeacher(teacher: Detector, dataSet: DataSet, data: DataConfig, engine: Engine, capture: boolean): Promise<TeacherStatistics> {
  const images = dataSet.images.slice(0, MEASURED_IMAGES);
  const [height, width] = data.size;
  const program = createProgram({
    engine, capture, variables: teacher.parameters.all().map(({ variable }) => variable),
    functions: {
      moments: {
        example: { images: float32([MEASURED_BATCH, height, width, 3]) },
        run: ({ images: input }) => {
          const { features } = teacher.forward(input as tf.Tensor4D, inference());
          // By image, so that a batch that is not full counts only its own.
          return {
            outputs: {
              mean: tf.stack(features.map((feature) => tf.mean(feature, [1, 2, 3]))),
              square: tf.stack(features.map((feature) => tf.mean(tf.square(feature), [1, 2, 3]))),
            },
          };
        },
      },
    },
  });
  const sums = teacher.traits.levels.map(() => ({ mean: 0, square: 0 }));
  for (let start = 0; start < images.length; start += MEASURED_BATCH) {
    const examples = await Promise.all(images.slice(start, start + MEASURED_BATCH).map((image) => prepareExample(image, data, undefined)));
    const { mean, square } = program.run('moments', { images: stackImages(examples, data.size, MEASURED_BATCH) });
    sums.forEach((sum, level) => {
      examples.forEach((_, image) => {
        sum.mean += mean?.data[level * MEASURED_BATCH + image] ?? 0;
        sum.square += square?.data[level * MEASURED_BATCH + image] ?? 0;
      });
    });
  }
  program.dispose();
  const count = Math.max(1, images.length);
  return { featureDeviation: sums.map(({ mean, square }) => Math.sqrt(Math.max(square / count - (mean / count) ** 2, 1e-12))) };
}
