/** From written numbers to usable objects: refuses what cannot be meant, clips, drops, and counts what it did. */
import { area, clip, type Box } from '../engine/boxes.ts';
import { DistillError, type Place } from '../errors.ts';
import { counted, listed } from './problems.ts';
import { type AnnotatedObject } from './sample.ts';

export interface WrittenObject {
  /** Corners [x1, y1, x2, y2] in pixels, as written. */
  readonly box: Box;
  readonly label: number;
  /** Mask area, where the format gives one. */
  readonly area?: number | undefined;
  readonly crowd?: boolean;
  readonly difficult?: boolean;
}

/** Rounding of normalised coordinates goes this far beyond the border without being worth a note, in pixels. */
const ROUNDING = 0.5;

export class ObjectCollector {
  private clipped = 0;
  private outside = 0;
  private flat = 0;
  private readonly otherClasses = new Map<string, number>();

  /**
   * @param what names the object in an error, e.g. `annotation 17`
   * @returns undefined for a box that covers nothing of its image
   * @throws DistillError DL306 for numbers that no box has
   */
  object(written: WrittenObject, width: number, height: number, what: string, where: Place): AnnotatedObject | undefined {
    const [x1, y1, x2, y2] = written.box;
    if (![x1, y1, x2, y2].every(Number.isFinite)) throw badBox(`${what} has a box that is not four numbers`, written.box, where);
    if (x2 < x1 || y2 < y1) throw badBox(`${what} has a box of negative size`, written.box, where);
    if (x2 === x1 || y2 === y1) {
      this.flat += 1;
      return undefined;
    }
    const box = clip(written.box, width, height);
    if (area(box) <= 0) {
      this.outside += 1;
      return undefined;
    }
    if (x1 < -ROUNDING || y1 < -ROUNDING || x2 > width + ROUNDING || y2 > height + ROUNDING) this.clipped += 1;
    const maskArea = written.area;
    return {
      box,
      label: written.label,
      area: maskArea !== undefined && Number.isFinite(maskArea) && maskArea > 0 ? maskArea : area(box),
      crowd: written.crowd ?? false,
      difficult: written.difficult ?? false,
    };
  }

  /** An object of a class that the experiment does not ask for. */
  leaveOut(className: string): void {
    this.otherClasses.set(className, (this.otherClasses.get(className) ?? 0) + 1);
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.flat > 0) notes.push(`${counted(this.flat, 'box', 'boxes')} without area dropped`);
    if (this.outside > 0) notes.push(`${counted(this.outside, 'box', 'boxes')} wholly outside the image dropped`);
    if (this.clipped > 0) notes.push(`${counted(this.clipped, 'box', 'boxes')} reaching over the image's border clipped`);
    const others = [...this.otherClasses].map(([name, count]) => `${name} (${count})`);
    const total = [...this.otherClasses.values()].reduce((sum, count) => sum + count, 0);
    if (total > 0) notes.push(`${counted(total, 'object')} of other classes left out: ${listed(others)}`);
    return notes;
  }
}

function badBox(message: string, box: Box, where: Place): DistillError {
  return new DistillError('DL306', message, {
    where,
    expected: 'four finite numbers with the second corner right of and below the first',
    got: `x ${box[0]} to ${box[2]}, y ${box[1]} to ${box[3]}`,
    advice: 'correct the annotation or take it out',
  });
}
