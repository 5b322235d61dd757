/** Checks of the data's section that need no disk. */
import { type KeyPath } from './keyPath.ts';
import { didYouMean, type Finding } from './problems.ts';
import { remove, repair, safeRepair, set } from './repairs.ts';
import { SCENE_CLASSES } from './sceneClasses.ts';
import { type Experiment } from './schema.ts';

export function checkData({ data }: Experiment): readonly Finding[] {
  return [...(data.format === 'scenes' ? unknownClasses(data.classes ?? [], SCENE_CLASSES) : []), ...checkMeasuring(data)];
}

/** What is measured must not have been trained on. Drawn scenes never are. */
function checkMeasuring(data: Experiment['data']): readonly Finding[] {
  const same = (data.format === 'voc' && data.train === data.val) || (data.format === 'coco' && data.train.annotations === data.val.annotations);
  if (!same) return [];
  const path: KeyPath = data.format === 'coco' ? ['data', 'val', 'annotations'] : ['data', 'val'];
  return [{ code: 'DL125', severity: 'warning', message: 'The run is measured on the images that it is trained on: its AP says nothing about new ones.', path, related: [{ path: ['data', 'train'], message: 'The training images.' }], advice: 'Name a set of images that is kept out of the training.' }];
}

/** @param inData all classes of the data set; undefined: not known. */
export function unknownClasses(given: readonly string[], inData: readonly string[] | undefined): readonly Finding[] {
  if (inData === undefined) return [];
  const some = inData.length > 12 ? `${inData.slice(0, 12).join(', ')}, …` : inData.join(', ');
  return given.flatMap((name, index): readonly Finding[] => {
    if (inData.includes(name)) return [];
    const meant = didYouMean(name, inData);
    const path: KeyPath = ['data', 'classes', index];
    return [{
      code: 'DL307', message: `The data set has no class \`${name}\`.`, path, expected: `one of ${some}`, got: name,
      advice: meant === undefined ? 'Write the class as the data set does, or leave `classes` out to take them all.' : `Did you mean \`${meant}\`?`,
      repairs: [...(meant === undefined || given.includes(meant) ? [] : [safeRepair(set(path, meant))]), repair(remove(path))],
    }];
  });
}
