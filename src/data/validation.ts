/** Validation examples in order, unchanged, a few ahead of need. */
import { type DataConfig } from '../experiment/schema.ts';
import { DEFAULT_CACHE_BYTES, ImageCache } from './imageCache.ts';
import { prepareExample } from './prepare.ts';
import { type DataSet, type Example } from './sample.ts';

const AHEAD = 8;

/** Evaluations come again and again over the same images; half the loader's share of memory. */
const caches = new WeakMap<DataSet, ImageCache>();

/**
 * All images of the data set in its order, as evaluation sees them.
 * @throws DistillError DL308 … DL310 at the image that cannot be read
 */
export async function* validationExamples(dataSet: DataSet, config: DataConfig): AsyncGenerator<Example, void, undefined> {
  const cache = caches.get(dataSet) ?? new ImageCache(DEFAULT_CACHE_BYTES / 2);
  caches.set(dataSet, cache);
  const coming: Promise<Example>[] = [];
  let next = 0;
  const fill = (): void => {
    for (; coming.length < AHEAD && next < dataSet.images.length; next += 1) {
      const image = dataSet.images[next];
      if (image === undefined) return;
      const example = prepareExample(image, config, undefined, { cache });
      // The error belongs to whoever takes this example; before that it must not count as unhandled.
      example.catch(() => undefined);
      coming.push(example);
    }
  };
  fill();
  for (let example = coming.shift(); example !== undefined; example = coming.shift()) {
    yield await example;
    fill();
  }
}
