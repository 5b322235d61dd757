/** FGD's inheriting strategy (Yang et al. 2022, section 4.1): the student starts with the teacher's head, or neck and head. */
import { DistillError } from '../errors.ts';
import { type Parameter } from '../engine/parameters.ts';
import { type Detector } from './detector.ts';

export type Inheritance = 'head' | 'neck+head';

/**
 * Copies by name. The teacher may be folded: neck and head have no batch norm.
 * @returns the names copied
 * @throws DistillError DL523 if a weight has no counterpart of the same shape; nothing is copied then
 */
export function inheritFrom(student: Detector, teacher: Detector, what: Inheritance): string[] {
  const prefixes = what === 'head' ? ['bbox_head.'] : ['neck.', 'bbox_head.'];
  const heirs = student.parameters.all().filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  const pairs = heirs.map((heir) => [heir, counterpart(heir, teacher, what)] as const);
  for (const [heir, source] of pairs) heir.variable.assign(source.variable);
  return heirs.map(({ name }) => name);
}

function counterpart({ name, variable }: Parameter, teacher: Detector, what: Inheritance): Parameter {
  const source = teacher.parameters.get(name);
  const shape = variable.shape.join(' × ');
  if (source?.variable.shape.join(' × ') === shape) return source;
  throw new DistillError('DL523', `The student cannot inherit the teacher's ${what === 'head' ? 'head' : 'neck and head'}: ${name} differs.`, {
    key: ['student', 'inherit'],
    expected: `${shape}, as the student has it`,
    got: source === undefined ? 'no such weight in the teacher' : source.variable.shape.join(' × '),
    advice: inheritanceAdvice(name, what),
  });
}

function inheritanceAdvice(name: string, what: Inheritance): string {
  if (name.startsWith('neck.') && what === 'neck+head') return 'Use inherit: head, or give both networks backbones of the same widths.';
  return 'Give student and teacher the same neck.channels, head, anchors and classes, or use inherit: none.';
}
