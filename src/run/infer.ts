/** Detections for prepared images, in batches of a fixed size: a captured function has no other. */
import { type Example } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { type Box, type Detection } from '../engine/boxes.ts';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { type FunctionSpec, type Program } from '../engine/program.ts';
import { inferenceStep } from './step.ts';

/** Images a call; the last batch is filled up with zeros. */
export const INFERENCE_BATCH = 8;

export function inferenceFunction(detector: Detector, [height, width]: readonly [number, number]): FunctionSpec {
  return { run: inferenceStep(detector), example: { images: float32([INFERENCE_BATCH, height, width, 3]) } };
}

export interface Detected {
  readonly example: Example;
  /** In the pixels of the network's input. */
  readonly detections: readonly Detection[];
}

/** @param name of the program's function that was made by `inferenceFunction`. */
export async function* detect(program: Program, name: string, detector: Detector, size: readonly [number, number], examples: AsyncIterable<Example>): AsyncGenerator<Detected> {
  let waiting: Example[] = [];
  for await (const example of examples) {
    waiting.push(example);
    if (waiting.length < INFERENCE_BATCH) continue;
    yield* detectBatch(program, name, detector, size, waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield* detectBatch(program, name, detector, size, waiting);
}

function detectBatch(program: Program, name: string, detector: Detector, size: readonly [number, number], examples: readonly Example[]): Detected[] {
  const candidates = program.run(name, { images: stackImages(examples, size, INFERENCE_BATCH) });
  const contentSizes = Array.from({ length: INFERENCE_BATCH }, (_, index) => examples[index]?.contentSize ?? size);
  const detections = detector.detections(candidates, contentSizes);
  return examples.map((example, index) => ({ example, detections: detections[index] ?? [] }));
}

/** [count, H, W, 3]; places beyond the examples stay zero. */
export function stackImages(examples: readonly Example[], [height, width]: readonly [number, number], count: number): HostTensor {
  const images = new Float32Array(count * height * width * 3);
  examples.forEach(({ pixels }, index) => {
    images.set(pixels, index * height * width * 3);
  });
  return float32([count, height, width, 3], images);
}

/** From the network's input back to the pixels of the original image. */
export function toOriginal([x1, y1, x2, y2]: Box, [scaleX, scaleY]: readonly [number, number]): Box {
  return [x1 / scaleX, y1 / scaleY, x2 / scaleX, y2 / scaleY];
}

