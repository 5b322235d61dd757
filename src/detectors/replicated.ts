/**
 * A detector whose forward pass takes the batch in equal parts, each of which may run on a GPU of its own. Predictions are put
 * side by side again before anything reads them, so losses, their normalisers and every method see the whole batch: training is
 * that of one device with the whole batch. Batch norms that learn are the exception: each part is normalised by its own
 * statistics, as data-parallel training does everywhere, and the running values take the mean of the parts'.
 */
import * as tf from '@tensorflow/tfjs';
import { inReplica } from '../engine/replica.ts';
import { type Detector, type DetectorOutputs, type ForwardMode, type TowerMaps } from './detector.ts';

type Statistics = (readonly [tf.Variable, tf.Tensor])[];

/** @param parts must divide every batch that goes through; 1 gives the detector itself */
export function replicated(detector: Detector, parts: number): Detector {
  if (parts === 1) return detector;
  return {
    ...detector,
    // Methods of a class are not its own properties.
    get traits() { return detector.traits; },
    get parameters() { return detector.parameters; },
    get head() { return detector.head; },
    targets: (...given) => detector.targets(...given),
    loss: (...given) => detector.loss(...given),
    candidates: (...given) => detector.candidates(...given),
    detections: (...given) => detector.detections(...given),
    forward: (images, mode) => {
      const [batch, height, width, channels] = images.shape;
      if (batch % parts !== 0) throw new Error(`a batch of ${batch} cannot be split into ${parts} equal parts`);
      const statistics = Array.from({ length: parts }, (): Statistics => mode.updates.map(([variable, value]) => [variable, tf.keep(tf.clone(value))]));
      const outputs = statistics.map((updates, part) => inReplica(part, () => {
        const own = tf.slice4d(images, [part * batch / parts, 0, 0, 0], [batch / parts, height, width, channels]);
        return detector.forward(own, { ...mode, updates });
      }));
      joinStatistics(statistics, mode);
      return joinOutputs(outputs);
    },
  };
}

/** Running values as the mean over the parts, in the place of what they were before this pass. */
function joinStatistics(parts: readonly Statistics[], { updates }: ForwardMode): void {
  for (const [, before] of updates) before.dispose();
  updates.length = 0;
  parts[0]?.forEach(([variable], index) => {
    const values = parts.flatMap((part) => part[index]?.[1] ?? []);
    // Kept as the norms keep theirs: they outlive the gradient's scope.
    updates.push([variable, tf.keep(tf.div(tf.addN(values), values.length))]);
    for (const value of values) value.dispose();
  });
}

function joinOutputs(parts: readonly DetectorOutputs[]): DetectorOutputs {
  const [first] = parts as readonly [DetectorOutputs, ...DetectorOutputs[]];
  const maps = (of: (outputs: DetectorOutputs) => readonly tf.Tensor4D[]): tf.Tensor4D[] => of(first).map((_, level) => tf.concat4d(parts.map((outputs) => of(outputs)[level] as tf.Tensor4D), 0));
  const tower = (of: (outputs: DetectorOutputs) => TowerMaps): TowerMaps => of(first).map((_, level) => maps((outputs) => of(outputs)[level] ?? []));
  return {
    backbone: maps(({ backbone }) => backbone),
    features: maps(({ features }) => features),
    logits: maps(({ logits }) => logits),
    regression: maps(({ regression }) => regression),
    ...(first.centerness === undefined ? {} : { centerness: maps(({ centerness }) => centerness ?? []) }),
    towers: { classification: tower(({ towers }) => towers.classification), regression: tower(({ towers }) => towers.regression) },
  };
}
