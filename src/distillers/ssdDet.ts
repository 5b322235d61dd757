/**
 * SSD-Det: Spatial Self-Distillation for Object Detection with Inaccurate Bounding Boxes (Wu et al., ICCV 2023), its refinement of boxes,
 * for dense students. Letters as in `docs/methods/ssd-det.md`: c class score, s instance score of a proposal, P a bag's class scores.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorTraits } from '../detectors/detector.ts';
import { iou, type Box, type GroundTruth } from '../engine/boxes.ts';
import { type HostTensors } from '../engine/hostTensor.ts';
import { fpnLevel } from '../engine/ops/roiAlign.ts';
import { Parameters } from '../engine/parameters.ts';
import { Random } from '../engine/random.ts';
import { ssdDetCard } from '../experiment/methods/ssdDet.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Method } from './distiller.ts';
import { at, fed, mapLevels } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { bagOffsets, chosenObjects, poolInputs, slotInputs, type PoolForm, type SlotForm } from './ssdDetBags.ts';
import { boxRefiner, type Refinement } from './ssdDetRefiner.ts';

export type SsdDetConfig = Extract<MethodConfig, { method: 'ssd-det' }>;

// Taps: the student's pyramid inside each object's window, boxes (inaccurate) and classes (trusted) of the objects.

/** Finest levels that proposals are pooled from. */
const POOLED = 3;

function poolForm({ levels }: DetectorTraits, grid: readonly { readonly rows: number; readonly columns: number }[], output: number): PoolForm {
  const maps = levels.slice(0, POOLED).map(({ stride }, index) => ({ rows: at(grid, index).rows, columns: at(grid, index).columns, stride }));
  return { maps, output, levelOf: fpnLevel(Math.round(Math.log2(at(levels, 0).stride))) };
}

// Adapters: two shared layers, and heads for classes, instances, deltas and spatial fit; thrown away after training.

const PUBLISHED = { hidden: 1024, channels: 256 };

// Loss: the bags' class losses, the regressors' and the spatial score's, of both stages, and the negatives'.

type Part = 'bags' | 'regression' | 'spatial';

function lossesOf({ first, second, negatives }: Refinement, { weight, bags, regression, spatial }: SsdDetConfig): Record<string, tf.Scalar> {
  const weights: Record<Part, number> = { bags, regression, spatial };
  const named = (['bags', 'regression', 'spatial'] as const).flatMap((part) => {
    const values = [first, second].flatMap(({ losses }) => losses[part] ?? []);
    return values.length === 0 ? [] : [[part, tf.mul(tf.addN(values), weight * weights[part])] as const];
  });
  return { ...Object.fromEntries(named), ...(negatives === undefined ? {} : { negatives: tf.mul(negatives, weight * bags) }) };
}

/** What an observation hands on to the step: its truth may be another by then. */
const HANDED = ['boxes', 'labels', 'filled', 'limits', 'negatives', 'apart'] as const;

function handed<T>(values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(HANDED.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])));
}

/** New boxes take the place of the given ones where they still lie on them. */
function refinedTruth(truth: readonly GroundTruth[], observed: HostTensors, form: SlotForm, keep: number): GroundTruth[] {
  return truth.map((image, index) => {
    const boxes: Box[] = [...image.boxes];
    for (const [slot, object] of chosenObjects(image, form).entries()) {
      const first = (index * form.slots + slot) * 4;
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = observed.refined?.data.subarray(first, first + 4) ?? [];
      const box: Box = [x1, y1, x2, y2];
      // An IoU that is not a number is not enough either.
      if (iou(box, at(image.boxes, object)) >= keep && x2 - x1 >= 1 && y2 - y1 >= 1) boxes[object] = box;
    }
    return { ...image, boxes };
  });
}

// Pictures: given and new boxes, and what was merged.

function create(config: SsdDetConfig, context: DistillerContext): Distiller {
  const { student: traits, inputSize } = context;
  const parameters = new Parameters(context.random);
  const offsets = bagOffsets(config.ratios, config.shake);
  const slots: SlotForm = { slots: config.maxObjects, classes: traits.classes.length, leastSide: config.leastSide, negatives: config.negatives, offsets };
  const pools = poolForm(traits, mapLevels(traits, inputSize), config.output);
  const hidden = config.hidden ?? Math.max(1, Math.round((PUBLISHED.hidden * traits.featureChannels) / PUBLISHED.channels));
  const refine = boxRefiner(parameters, 'distill.ssd-det', {
    channels: traits.featureChannels, classes: traits.classes.length, hidden, output: config.output, offsets, top: config.top,
    spatial: config.spatial > 0, negatives: config.negatives > 0,
  });
  const made = (batch: BatchTruth): HostTensors => {
    const small = slotInputs(batch, slots, batch.random ?? Random.of(0));
    return { ...small, ...poolInputs(small, pools) };
  };
  const refining = ({ step, steps }: BatchTruth): boolean => step === undefined || steps === undefined || step / steps >= config.refineFrom;
  const levels = pools.maps.length;
  return {
    id: 'ssd-det',
    parameters,
    observe: {
      inputs: made,
      run: (_, student, inputs) => {
        const { second } = refine(student.features.slice(0, levels), inputs);
        return { refined: tf.reshape(second.boxes, fed(inputs, 'boxes').shape), ...handed(inputs) };
      },
    },
    supervise: (batch, observed) => (refining(batch) ? { truth: refinedTruth(batch.truth, observed, slots, config.keep) } : {}),
    inputs: (batch, observed) => {
      if (observed.boxes === undefined) return made(batch);
      const small = handed(observed);
      return { ...small, ...poolInputs(small, pools) };
    },
    loss: (_, student, inputs) => lossesOf(refine(student.features.slice(0, levels), inputs), config),
    pictures: (_, student, inputs) => {
      const { second } = refine(student.features.slice(0, levels), inputs);
      const filled = fed(inputs, 'filled');
      const [images = 0, places = 0] = filled.shape;
      const shown = tf.reshape(filled, [images, places, 1]);
      const boxes = (values: tf.Tensor, score: tf.Tensor): tf.Tensor => tf.mul(tf.concat([tf.reshape(values, [images, places, 4]), tf.reshape(score, [images, places, 1])], 2), shown);
      const merged = tf.mul(tf.reshape(second.merged, [images, places, -1]), shown);
      return [
        { kind: 'given', role: 'shared', level: 'all', values: boxes(fed(inputs, 'boxes'), filled) },
        { kind: 'refined', role: 'shared', level: 'all', values: boxes(second.boxes, second.trust) },
        { kind: 'merged', role: 'shared', level: 'all', values: tf.reshape(merged, [images, -1, 5]) },
      ];
    },
  };
}

export const ssdDet: Method<SsdDetConfig> = {
  ...ssdDetCard,
  pictures: {
    given: { title: 'Given boxes', form: 'boxes', caption: 'The annotated boxes that are moved; the largest of the image.' },
    refined: { title: 'Moved boxes', form: 'boxes', caption: 'Where the boxes were moved to. The value is how surely the bag of proposals holds the object\'s class.' },
    merged: { title: 'Merged proposals', form: 'boxes', caption: 'The best proposals of each object, whose mean is the new box; the value is each one\'s share.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(ssdDetCard)),
  create,
};
