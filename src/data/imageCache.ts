/**
 * Resized images in memory, so that later epochs decode nothing. Bounded; once full it keeps what it has: every image is used once an
 * epoch in a new order, where throwing out the oldest would leave hardly a hit.
 */
import { type AnnotatedImage, type RawImage } from './sample.ts';

export const DEFAULT_CACHE_BYTES = 512 * 1024 * 1024;

export class ImageCache {
  private readonly limit: number;
  private readonly entries = new Map<AnnotatedImage, Map<string, RawImage>>();
  private used = 0;

  constructor(limitBytes = DEFAULT_CACHE_BYTES) {
    this.limit = limitBytes;
  }

  get bytes(): number {
    return this.used;
  }

  /** @param form tells apart the sizes at which one image is asked for */
  async get(image: AnnotatedImage, form: string, make: () => Promise<RawImage>): Promise<RawImage> {
    const known = this.entries.get(image)?.get(form);
    if (known !== undefined) return known;
    const made = await make();
    const forms = this.entries.get(image) ?? new Map<string, RawImage>();
    if (!forms.has(form) && this.used + made.data.byteLength <= this.limit) {
      forms.set(form, made);
      this.entries.set(image, forms);
      this.used += made.data.byteLength;
    }
    return made;
  }
}
