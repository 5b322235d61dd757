/**
 * What a batch's step is fed with besides its images: the student's targets and the inputs of each method.
 * Methods that look at predictions first see them here, and may change what the student learns from.
 */
import { type BatchTruth, type Distiller } from '../distillers/distiller.ts';
import { type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { prefixed, unprefixed, type Networks } from './step.ts';

/** Runs the observation on the host's inputs. */
export type Observe = (inputs: HostTensors) => HostTensors;

/** @param observe left out where no method asks for it @returns `images`, `target.<name>`, `<method>.<name>` */
export function stepInputs(networks: Networks, images: HostTensor, given: Omit<BatchTruth, 'assignments'>, observe: Observe | undefined): HostTensors {
  const { student, distillers } = networks;
  const own = student.targets(given.truth, given.inputSize);
  const batch: BatchTruth = { ...given, assignments: own.assignments };
  const observed = observe?.(observationInputs(networks, images, own.tensors, batch)) ?? {};
  const revisions = distillers.flatMap((distiller) => distiller.supervise?.(batch, unprefixed(distiller.id, observed)) ?? []);
  const truth = revisions.findLast((revision) => revision.truth !== undefined)?.truth ?? given.truth;
  const assignments = revisions.findLast((revision) => revision.assignments !== undefined)?.assignments;
  const targets = revisions.length === 0 ? own : student.targets(truth, given.inputSize, assignments);
  const revised: BatchTruth = { ...batch, truth, assignments: targets.assignments };
  return { images, ...prefixed('target', targets.tensors), ...byMethod(distillers, (distiller) => distiller.inputs(revised, unprefixed(distiller.id, observed))) };
}

function observationInputs({ distillers }: Networks, images: HostTensor, targets: HostTensors, batch: BatchTruth): HostTensors {
  return { images, ...prefixed('target', targets), ...byMethod(distillers, ({ observe }) => observe?.inputs?.(batch) ?? {}) };
}

function byMethod(distillers: readonly Distiller[], inputsOf: (distiller: Distiller) => HostTensors): HostTensors {
  return Object.fromEntries(distillers.flatMap((distiller) => Object.entries(prefixed(distiller.id, inputsOf(distiller)))));
}
