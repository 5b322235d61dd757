/**
 * Recorded steps and images on this side of the wall. Asks for what is looked at, keeps a few steps and a few dozen decoded
 * images, forgets the rest: five hundred recorded masks must not become five hundred bitmaps.
 */
import { type PictureIndex } from '../../src/experiment/record.ts';
import { type ToHost } from '../contract.ts';

export interface RecordedStep {
  readonly index: PictureIndex;
  readonly values: Float32Array;
}

const STEPS_KEPT = 4;
const IMAGES_KEPT = 32;
/** After this long without an answer a question may be put again. */
const PATIENCE = 10_000;
/** Larger than any recorded input by far; a bitmap of more is not decoded. */
const MOST_BYTES = 64 * 1024 * 1024;

export class PictureStore {
  readonly #steps = new Map<string, RecordedStep>();
  readonly #images = new Map<string, ImageBitmap>();
  readonly #asked = new Map<string, number>();
  readonly #send: (message: ToHost) => void;
  readonly #changed: () => void;
  #generation = 0;

  constructor(send: (message: ToHost) => void, changed: () => void) {
    this.#send = send;
    this.#changed = changed;
  }

  /** Another run, or a resume that cut steps which will be recorded anew. */
  clear(): void {
    this.#generation += 1;
    this.#steps.clear();
    this.#asked.clear();
    for (const image of this.#images.values()) image.close();
    this.#images.clear();
  }

  step(folder: string): RecordedStep | undefined {
    const found = recall(this.#steps, folder);
    if (found === undefined) this.#ask(`step ${folder}`, { type: 'pictures', folder });
    return found;
  }

  image(file: string): ImageBitmap | undefined {
    const found = recall(this.#images, file);
    if (found === undefined) this.#ask(`image ${file}`, { type: 'image', file });
    return found;
  }

  #ask(key: string, message: ToHost): void {
    const now = performance.now();
    if (now - (this.#asked.get(key) ?? -PATIENCE) < PATIENCE) return;
    this.#asked.set(key, now);
    this.#send(message);
  }

  takeStep(folder: string, index: PictureIndex, values: ArrayBuffer): void {
    this.#asked.delete(`step ${folder}`);
    // A torn file may end within a value.
    const whole = values.byteLength - (values.byteLength % 4);
    remember(this.#steps, folder, { index, values: new Float32Array(values, 0, whole / 4) }, STEPS_KEPT, () => undefined);
    this.#changed();
  }

  async takeImage(file: string, mime: string, bytes: ArrayBuffer): Promise<void> {
    const generation = this.#generation;
    if (bytes.byteLength > MOST_BYTES) return;
    try {
      const image = await createImageBitmap(new Blob([bytes], { type: mime }));
      if (generation !== this.#generation) {
        image.close();
        return;
      }
      this.#asked.delete(`image ${file}`);
      this.#images.get(file)?.close();
      remember(this.#images, file, image, IMAGES_KEPT, (old) => { old.close(); });
      this.#changed();
    } catch {
      // Not an image: asked again only after a while, and the pane goes on without it.
      console.warn('A recorded image could not be decoded.');
    }
  }
}

function recall<T>(map: Map<string, T>, key: string): T | undefined {
  const value = map.get(key);
  if (value === undefined) return undefined;
  map.delete(key);
  map.set(key, value);
  return value;
}

function remember<T>(map: Map<string, T>, key: string, value: T, most: number, drop: (value: T) => void): void {
  map.delete(key);
  map.set(key, value);
  for (const [oldest, old] of map) {
    if (map.size <= most) break;
    map.delete(oldest);
    drop(old);
  }
}
