/** FGD's inheriting strategy (Yang et al. 2022, section 4.1): the student starts with the teacher's head, or neck and head. */
import * as tf from '@tensorflow/tfjs';
import { DistillError } from '../errors.ts';
import { type Parameter } from '../engine/parameters.ts';
import { type Detector } from './detector.ts';

export type Inheritance = 'head' | 'neck+head';

/**
 * Copies by name. The teacher may be folded: neck and head have no batch norm.
 * The neck's lateral convolutions fit only backbones of the same widths; those that do not fit keep their fresh weights,
 * as in the official code. All the rest must agree: half a head is worse than none.
 * @returns the names copied
 * @throws DistillError DL523 if another weight has no counterpart of the same shape; nothing is copied then
 */
export function inheritFrom(student: Detector, teacher: Detector, what: Inheritance): string[] {
  const prefixes = what === 'head' ? ['bbox_head.'] : ['neck.', 'bbox_head.'];
  const heirs = student.parameters.all().filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  const pairs = heirs.flatMap((heir) => {
    const source = teacher.parameters.get(heir.name);
    if (source !== undefined && shapeOf(source) === shapeOf(heir)) return [[heir, source] as const];
    if (dependsOnBackbone(heir.name)) return [];
    throw mismatch(heir, source, what);
  });
  // A real copy: `assign` of the tensor itself would make the two variables share their data, and a program could not tell them apart.
  for (const [heir, source] of pairs) tf.tidy(() => { heir.variable.assign(tf.tensor(source.variable.dataSync(), source.variable.shape)); });
  return pairs.map(([{ name }]) => name);
}

/** Lateral convolutions, and P6 where it is made from C5, read the backbone's own widths. */
function dependsOnBackbone(name: string): boolean {
  return name.startsWith('neck.lateral_convs.') || name.startsWith('neck.fpn_convs.3.');
}

function mismatch(heir: Parameter, source: Parameter | undefined, what: Inheritance): DistillError {
  return new DistillError('DL523', `The student cannot inherit the teacher's ${what === 'head' ? 'head' : 'neck and head'}: ${heir.name} differs.`, {
    key: ['student', 'inherit'],
    expected: `${shapeOf(heir)}, as the student has it`,
    got: source === undefined ? 'no such weight in the teacher' : shapeOf(source),
    advice: 'Give student and teacher the same neck.channels, head, anchors and classes, or use inherit: none.',
  });
}

function shapeOf({ variable }: Parameter): string {
  return variable.shape.join(' × ');
}
