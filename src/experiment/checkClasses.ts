/** Classes of the data set, of the experiment and of the teachers' files against each other, where files tell them. Node only. */
import path from 'node:path';
import { outlineOf } from './defaults.ts';
import { classesOfData, weightFacts, type WeightFacts } from './fileFacts.ts';
import { type KeyPath } from './keyPath.ts';
import { unknownClasses } from './checkData.ts';
import { type Finding, type Repair } from './problems.ts';
import { repair, set } from './repairs.ts';
import { type Experiment, type TeacherConfig } from './schema.ts';
import { teacherPath, teachersOf } from './teachers.ts';

export function checkClasses(experiment: Experiment, baseFolder: string): readonly Finding[] {
  const { data } = experiment;
  const inData = classesOfData(data, baseFolder);
  const classes = data.classes ?? inData;
  return [
    ...(data.format === 'scenes' ? [] : unknownClasses(data.classes ?? [], inData)),
    ...teachersOf(experiment).flatMap((teacher, index) => {
      const facts = weightFacts(path.resolve(baseFolder, teacher.weights));
      if (facts === undefined) return [];
      const at = teacherPath(experiment, index);
      return [...checkNetwork(teacher, facts, at), ...(classes === undefined ? [] : checkTeacher(teacher, facts, { at, classes, inData, data }))];
    }),
  ];
}

/** A file that was exported here says which network it belongs to. */
function checkNetwork(teacher: TeacherConfig, facts: WeightFacts, at: KeyPath): readonly Finding[] {
  return (['detector', 'backbone'] as const).flatMap((key): readonly Finding[] => {
    const told = facts[key];
    if (told === undefined || told === teacher[key]) return [];
    return [{
      code: 'DL126', severity: 'warning', message: `The weights are those of another network: the file says \`${key}: ${told}\`.`, path: [...at, key], expected: told, got: teacher[key],
      related: [{ path: [...at, 'weights'], message: 'The file.' }], repairs: [repair(set([...at, key], told))],
    }];
  });
}

interface Known {
  readonly at: KeyPath;
  readonly classes: readonly string[];
  readonly inData: readonly string[] | undefined;
  readonly data: Experiment['data'];
}

function checkTeacher(teacher: TeacherConfig, facts: WeightFacts, { at, classes, inData, data }: Known): readonly Finding[] {
  const weights: KeyPath = [...at, 'weights'];
  const related: Finding['related'] = [{ path: data.classes === undefined ? ['data'] : ['data', 'classes'], message: `The experiment's classes: ${short(classes)}.` }];
  const repairs = asTheTeacher(facts, inData);
  const count = facts.classes?.length ?? perCell(facts.classOutputs, outlineOf(teacher).anchorsPerCell);
  // A file that names its classes has no unused outputs.
  if (count !== undefined && (facts.classes === undefined ? !fits(count, classes.length) : count !== classes.length)) {
    return [{
      code: 'DL124', message: `The teacher tells ${count} classes apart, the experiment has ${classes.length}.`, path: weights, expected: `weights for ${short(classes)}`,
      got: facts.classes === undefined ? `${count} classes` : short(facts.classes), advice: 'List the teacher\'s classes as `data.classes`, or name a teacher that was trained on these.', related, repairs,
    }];
  }
  const { classes: taught } = facts;
  if (taught?.length !== classes.length || taught.every((name, index) => name === classes[index])) return [];
  const reordered = taught.every((name) => classes.includes(name));
  return [{
    code: 'DL124', severity: 'warning', message: reordered ? 'The teacher has these classes in another order.' : 'The teacher was trained on classes of other names.', path: weights,
    expected: short(classes), got: short(taught), advice: reordered ? 'List them in the teacher\'s order as `data.classes`.' : 'Make sure that they mean the same, in the same order.', related, repairs,
  }];
}

/** Also a file with an unused first output, and COCO's 91 ids for its 80 categories: both as torchvision has them. */
function fits(inFile: number, ours: number): boolean {
  return inFile === ours || inFile === ours + 1 || (inFile === 91 && ours === 80);
}

function perCell(outputs: number | undefined, anchors: number): number | undefined {
  // Else the anchors are not those of the file: another problem, and the loader's to tell.
  return outputs === undefined || outputs % anchors !== 0 ? undefined : outputs / anchors;
}

/** Only classes that the data set is known to have. */
function asTheTeacher({ classes }: WeightFacts, inData: readonly string[] | undefined): readonly Repair[] {
  return classes !== undefined && inData !== undefined && classes.every((name) => inData.includes(name)) ? [repair(set(['data', 'classes'], classes))] : [];
}

function short(classes: readonly string[]): string {
  return classes.length > 8 ? `${classes.slice(0, 8).join(', ')} and ${classes.length - 8} more` : classes.join(', ');
}
