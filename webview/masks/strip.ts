/** Thumbnails of the recorded images as a row of radio buttons; a picture is fetched when its place comes into sight. */
import { element } from '../dom.ts';
import { clip } from '../format.ts';
import { type PictureIndex } from '../../src/experiment/record.ts';
import { t } from '../words.ts';

const MOST = 200;
const SIDE = 56;

export class Strip {
  readonly node = element('fieldset', { class: 'strip' });
  readonly #choose: (image: number) => void;
  readonly #fetch: (file: string) => ImageBitmap | undefined;
  readonly #seen: IntersectionObserver;
  #items: { readonly file: string; readonly input: HTMLInputElement; readonly canvas: HTMLCanvasElement; visible: boolean; drawn: boolean }[] = [];
  #signature = '';

  constructor(choose: (image: number) => void, fetch: (file: string) => ImageBitmap | undefined) {
    this.#choose = choose;
    this.#fetch = fetch;
    this.#seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const item = this.#items.find(({ canvas }) => canvas === entry.target);
        if (item !== undefined) item.visible = entry.isIntersecting;
      }
      this.paint();
    });
  }

  show(images: PictureIndex['images'], chosen: number): void {
    const shown = images.slice(0, MOST);
    const signature = JSON.stringify(shown.map((image) => [image.file, image.id]));
    if (signature !== this.#signature) {
      this.#signature = signature;
      this.#seen.disconnect();
      this.#items = shown.map((image, index) => this.#make(image, index));
      this.node.replaceChildren(element('legend', { class: 'unseen' }, t('Image')), ...this.#items.map(({ input, canvas }, index) => {
        const name = clip(shown[index]?.id ?? '', 60);
        input.setAttribute('aria-label', t('Image {0}, {1}', index + 1, name));
        return element('label', { title: name }, input, canvas);
      }));
    }
    this.#items.forEach(({ input }, index) => { input.checked = index === chosen; });
    this.paint();
  }

  #make(image: PictureIndex['images'][number], index: number): { file: string; input: HTMLInputElement; canvas: HTMLCanvasElement; visible: boolean; drawn: boolean } {
    const input = element('input', { type: 'radio', name: 'image', class: 'unseen' });
    input.addEventListener('change', () => { this.#choose(index); });
    const canvas = element('canvas', { width: SIDE, height: SIDE, 'aria-hidden': 'true' });
    this.#seen.observe(canvas);
    return { file: image.file, input, canvas, visible: false, drawn: false };
  }

  /** Draws the thumbnails that are in sight and whose picture has come. */
  paint(): void {
    for (const item of this.#items) {
      if (!item.visible || item.drawn) continue;
      const bitmap = this.#fetch(item.file);
      const pen = item.canvas.getContext('2d');
      if (bitmap === undefined || pen === null) continue;
      const side = Math.min(bitmap.width, bitmap.height);
      pen.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
      item.drawn = true;
    }
  }
}
