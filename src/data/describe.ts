/** A data set in numbers, and its ground truth in the frame of evaluation. */
import { counted } from './problems.ts';
import { type AnnotatedImage, type AnnotatedObject, type DataSet } from './sample.ts';

export interface DataSetDescription {
  readonly images: number;
  /** Objects that count: neither crowd nor difficult. */
  readonly objects: number;
  readonly crowd: number;
  readonly difficult: number;
  readonly imagesWithoutObjects: number;
  /** In the classes' order; objects that count. */
  readonly classes: readonly { readonly name: string; readonly objects: number; readonly images: number }[];
  /** By COCO's areas in original pixels: below 32², below 96², the rest. */
  readonly sizes: { readonly small: number; readonly medium: number; readonly large: number };
  /** Smallest and largest [width, height] by area. */
  readonly imageSizes: { readonly smallest: readonly [number, number]; readonly largest: readonly [number, number] };
  readonly notes: readonly string[];
}

export function describeDataSet(dataSet: DataSet): DataSetDescription {
  const classes = dataSet.classes.map((name) => ({ name, objects: 0, images: 0 }));
  const sizes = { small: 0, medium: 0, large: 0 };
  let [crowd, difficult, imagesWithoutObjects] = [0, 0, 0];
  for (const image of dataSet.images) {
    const seen = new Set<number>();
    if (image.objects.length === 0) imagesWithoutObjects += 1;
    for (const object of image.objects) {
      if (object.crowd) crowd += 1;
      else if (object.difficult) difficult += 1;
      else {
        const entry = classes[object.label];
        if (entry !== undefined) {
          entry.objects += 1;
          if (!seen.has(object.label)) entry.images += 1;
        }
        seen.add(object.label);
        sizes[object.area < 32 ** 2 ? 'small' : object.area < 96 ** 2 ? 'medium' : 'large'] += 1;
      }
    }
  }
  const objects = classes.reduce((sum, entry) => sum + entry.objects, 0);
  return { images: dataSet.images.length, objects, crowd, difficult, imagesWithoutObjects, classes, sizes, imageSizes: extremes(dataSet), notes: dataSet.notes };
}

/** The description as lines for a log. */
export function descriptionLines(name: string, description: DataSetDescription): string[] {
  const { smallest, largest } = description.imageSizes;
  const one = smallest[0] === largest[0] && smallest[1] === largest[1];
  const size = one ? `${smallest[0]}×${smallest[1]}` : `${smallest[0]}×${smallest[1]} to ${largest[0]}×${largest[1]}`;
  const extra = [
    description.crowd > 0 ? counted(description.crowd, 'crowd region') : '',
    description.difficult > 0 ? counted(description.difficult, 'difficult object') : '',
    description.imagesWithoutObjects > 0 ? `${counted(description.imagesWithoutObjects, 'image')} without objects` : '',
  ].filter((part) => part !== '');
  return [
    `${name}: ${counted(description.images, 'image')} of ${size}, ${counted(description.objects, 'object')}${extra.map((part) => `, ${part}`).join('')}`,
    `${name}: ${description.classes.map((entry) => `${entry.name} ${entry.objects}`).join(', ')}`,
    ...description.notes.map((note) => `${name}: ${note}`),
  ];
}

function extremes(dataSet: DataSet): DataSetDescription['imageSizes'] {
  const sizes = dataSet.images.map((image): [number, number] => [image.width, image.height]);
  const largerFirst = (a: [number, number], b: [number, number]): number => b[0] * b[1] - a[0] * a[1];
  const sorted = sizes.sort(largerFirst);
  return { smallest: sorted.at(-1) ?? [0, 0], largest: sorted[0] ?? [0, 0] };
}

/** What `src/evaluation` takes as truth. */
export interface Annotations {
  readonly images: readonly Pick<AnnotatedImage, 'index' | 'width' | 'height'>[];
  /** `image` is the image's index. */
  readonly objects: readonly (AnnotatedObject & { readonly image: number })[];
}

/** Ground truth in original pixels. */
export function annotationsForEvaluation(dataSet: DataSet): Annotations {
  return {
    images: dataSet.images.map(({ index, width, height }) => ({ index, width, height })),
    objects: dataSet.images.flatMap((image) => image.objects.map((object) => ({ image: image.index, ...object }))),
  };
}
