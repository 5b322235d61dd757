/** For methods that send features of their own making through the student's head: what they send. */
import * as tf from '@tensorflow/tfjs';
import { inference, type DetectorOutputs, type HeadOutputs } from '../../../src/detectors/detector.ts';
import { type Distiller, type TrainedNetworks } from '../../../src/distillers/distiller.ts';
import { type HostTensors } from '../../../src/engine/hostTensor.ts';
import { type Scene } from './distiller.ts';
import { type Execute } from './execute.ts';

export interface WatchedHead {
  readonly networks: TrainedNetworks;
  /** What the head was last given, finest level first. */
  readonly seen: () => readonly tf.Tensor4D[];
}

/** A student whose head puts out what it is given. @param loss of these outputs; without it there is none. */
export function watchedHead(loss: (outputs: HeadOutputs) => Record<string, tf.Scalar> = () => ({})): WatchedHead {
  let last: readonly tf.Tensor4D[] = [];
  const unused = (): never => { throw new Error('not asked for'); };
  const run = (features: readonly tf.Tensor4D[]): HeadOutputs => {
    last = features;
    return { logits: features, regression: [], towers: { classification: [], regression: [] } };
  };
  return { networks: { student: { head: { blocks: 0, run, resume: unused }, loss, forward: unused, targets: unused } }, seen: () => last };
}

/** The features that a method sends through the head, by level index. */
export async function featuresSent(distiller: Distiller, scene: Scene, seen: WatchedHead['seen'], execute: Execute): Promise<HostTensors> {
  const maps = scene.student.features ?? [];
  const inputs = { ...distiller.inputs(scene.batch, {}), ...Object.fromEntries(maps.map((map, index) => [`student.${index}`, map])) };
  return execute((tensors) => {
    const features = maps.map((_, index) => tensors[`student.${index}`] as tf.Tensor4D);
    const own: DetectorOutputs = { backbone: [], features, logits: [], regression: [], towers: { classification: [], regression: [] } };
    distiller.loss(own, own, tensors, { images: tf.zeros([1, 1, 1, 3]), targets: {}, mode: inference() });
    return { outputs: Object.fromEntries(seen().map((map, index) => [String(index), map])) };
  }, inputs, distiller.parameters.all().map(({ variable }) => variable));
}
