/** The door to all formats. */
import { DistillError } from '../errors.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { openCoco, type OpenOptions } from './coco.ts';
import { mapLimited } from './files.ts';
import { checkHeader } from './images.ts';
import { type DataSet, type Split } from './sample.ts';
import { openScenes } from './scenes.ts';
import { openVoc } from './voc.ts';
import { openYolo } from './yolo.ts';

export type { OpenOptions } from './coco.ts';

/**
 * Opens a data set: reads its annotations, checks that its images are there and (unless there are very many) are images; decodes none.
 * Classes are those of `config.classes`, else those of the training split, for both splits.
 * @throws DistillError DL301 … DL311
 */
export async function openDataSet(config: DataConfig, split: Split, options: OpenOptions): Promise<DataSet> {
  options.signal?.throwIfAborted();
  const dataSet = await openFormat(config, split, options);
  if (dataSet.images.length === 0) throw empty(split, 'no images', 'give a list, folder or file that has some');
  if (split === 'train' && config.format !== 'scenes' && dataSet.images.every((image) => image.objects.length === 0)) {
    throw empty(split, 'no objects of the chosen classes', 'check `classes` and the annotations: there is nothing to learn from');
  }
  await checkImages(dataSet, options.signal);
  return dataSet;
}

/** Up to here headers of all images are read at once (a second or two); of larger sets a bad image shows when its turn comes. */
const MOST_CHECKED = 5000;

async function checkImages({ images }: DataSet, signal: AbortSignal | undefined): Promise<void> {
  if (images.length > MOST_CHECKED) return;
  await mapLimited(images, 8, async (image) => {
    if (image.source?.kind === 'file') await checkHeader(image.source, image);
  }, signal);
}

function openFormat(config: DataConfig, split: Split, options: OpenOptions): Promise<DataSet> {
  switch (config.format) {
    case 'coco': return openCoco(config, split, options);
    case 'voc': return openVoc(config, split, options);
    case 'yolo': return openYolo(config, split, options);
    case 'scenes': return Promise.resolve(openScenes(config, split));
  }
}

function empty(split: Split, what: string, advice: string): DistillError {
  return new DistillError('DL311', `the ${split === 'train' ? 'training' : 'validation'} set has ${what}`, { key: ['data'], advice });
}
