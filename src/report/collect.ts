/** What of a run goes into its report, within bounds: a page that nobody can send is no report. */
import path from 'node:path';
import { type EventOf, FILES, type PictureIndex, type RunEvent } from '../experiment/record.ts';
import { EventLog, readImage, readPictures } from '../store/index.ts';
import { type ReportData } from '../../webview/reportData.ts';

/** Step events kept of each arm; beyond, every second, fourth, … is. */
const STEPS_KEPT = 4000;
const OTHERS_KEPT = 20_000;
/** Recorded steps embedded at most, and the bytes of their values and of all images. */
const RECORDINGS_KEPT = 6;
const MOST_VALUES = 12 * 2 ** 20;
const MOST_IMAGES = 12 * 2 ** 20;
const MIME: Readonly<Record<string, string>> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp' };

type StepEvent = EventOf<'step'>;

export interface CollectedEvents {
  readonly events: readonly RunEvent[];
  /** 1 when every step event is there, else how many of them each kept one stands for. */
  readonly thinning: number;
}

/** Keeps the place of each event while step events are thinned, so that a resume stays between the right steps. */
class Thinned {
  #kept: { readonly place: number; readonly event: StepEvent }[] = [];
  #seen = 0;
  stride = 1;
  #last: { readonly place: number; readonly event: StepEvent } | undefined;

  add(place: number, event: StepEvent): void {
    this.#last = { place, event };
    if (this.#seen % this.stride === 0) this.#kept.push(this.#last);
    this.#seen += 1;
    if (this.#kept.length <= 2 * STEPS_KEPT) return;
    this.stride *= 2;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
  }

  get all(): { readonly place: number; readonly event: StepEvent }[] {
    return this.#last === undefined || this.#kept.at(-1) === this.#last ? this.#kept : [...this.#kept, this.#last];
  }
}

export async function collectEvents(folder: string): Promise<CollectedEvents> {
  const log = new EventLog(path.join(folder, FILES.events));
  const arms = new Map<string, Thinned>();
  const others: { readonly place: number; readonly event: RunEvent }[] = [];
  let place = 0;
  for (let more = true; more;) {
    const part = await log.read();
    for (const event of part.events) {
      place += 1;
      if (event.type !== 'step') {
        if (others.length < OTHERS_KEPT || event.type === 'ended') others.push({ place, event });
        continue;
      }
      let arm = arms.get(event.arm);
      if (arm === undefined) arms.set(event.arm, (arm = new Thinned()));
      arm.add(place, event);
    }
    ({ more } = part);
  }
  const all = [...others, ...[...arms.values()].flatMap((arm) => arm.all)].sort((a, b) => a.place - b.place);
  return { events: all.map(({ event }) => event), thinning: Math.max(1, ...[...arms.values()].map((arm) => arm.stride)) };
}

export interface CollectedPictures {
  readonly pictures: ReportData['pictures'];
  readonly images: ReportData['images'];
  /** In words, what is not in the report; empty when all is. */
  readonly note: string;
}

/** First, last, the one nearest to the best evaluation, and some between them. */
export function chooseRecordings<T extends { readonly step: number }>(recorded: readonly T[], bestStep: number | undefined, most = RECORDINGS_KEPT): T[] {
  if (recorded.length <= most) return [...recorded];
  const last = recorded.length - 1;
  const chosen = new Set([0, last]);
  if (bestStep !== undefined) chosen.add(recorded.reduce((best, mark, index) => (Math.abs(mark.step - bestStep) < Math.abs((recorded[best]?.step ?? Infinity) - bestStep) ? index : best), 0));
  for (let k = 1; chosen.size < most && k < most; k += 1) chosen.add(Math.round((k * last) / (most - 1)));
  return [...chosen].sort((a, b) => a - b).slice(0, most).flatMap((index) => recorded[index] ?? []);
}

export async function collectPictures(folder: string, recorded: readonly { readonly step: number; readonly folder: string }[], bestStep: number | undefined): Promise<CollectedPictures> {
  const chosen = chooseRecordings(recorded, bestStep);
  const pictures: ReportData['pictures'][number][] = [];
  const missing: string[] = [];
  let bytes = 0;
  // The last first: where room is short, the end of the run matters most.
  for (const mark of [...chosen].reverse()) {
    try {
      const { index, values } = await readPictures(folder, mark.folder);
      if (bytes + values.byteLength > MOST_VALUES) {
        missing.push(`step ${mark.step} for its size`);
        continue;
      }
      bytes += values.byteLength;
      pictures.unshift({ folder: mark.folder, index, values: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64') });
    } catch {
      missing.push(`step ${mark.step}, which cannot be read`);
    }
  }
  const images = await collectImages(folder, pictures.map(({ index }) => index));
  const left = recorded.length - chosen.length;
  const notes = [
    ...(left > 0 ? [`masks of ${pictures.length} of ${recorded.length} recorded steps are in this report`] : []),
    ...(missing.length > 0 ? [`without ${missing.slice(0, 6).join(', ')}`] : []),
    ...(images.missing > 0 ? [`${images.missing} ${images.missing === 1 ? 'image is' : 'images are'} left out`] : []),
  ];
  return { pictures, images: images.images, note: notes.join('; ') };
}

async function collectImages(folder: string, indices: readonly PictureIndex[]): Promise<{ readonly images: ReportData['images']; readonly missing: number }> {
  const files = new Set(indices.flatMap((index) => index.images.map((image) => image.file)));
  const images: ReportData['images'][number][] = [];
  let [bytes, missing] = [0, 0];
  for (const file of files) {
    const mime = MIME[path.extname(file).toLowerCase()];
    const content = mime === undefined ? undefined : await readImage(folder, file).catch(() => undefined);
    if (mime === undefined || content === undefined || bytes + content.length > MOST_IMAGES) {
      missing += 1;
      continue;
    }
    bytes += content.length;
    images.push({ file, mime, bytes: content.toString('base64') });
  }
  return { images, missing };
}
