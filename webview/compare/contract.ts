/** Every message between the page of a comparison and the extension, both ways. Nothing else crosses. */
import { type Metric } from '../../src/comparison/best.ts';
import { type ComparedRun } from '../../src/comparison/run.ts';
import { type Looks, type ToPage as OfRun } from '../contract.ts';

export type ToPage =
  /** What is compared, in the order of the choice; sent whole whenever a run is added, taken away or deleted. */
  | { readonly type: 'set'; readonly runs: readonly ComparedRun[]; /** Whose runs these are; more come as it goes on. */ readonly sweep?: string | undefined }
  /** News of one of them. */
  | { readonly type: 'run'; readonly run: ComparedRun }
  /** What a run's own panel would be told: events, pictures, an image, a problem. */
  | { readonly type: 'of'; readonly id: string; readonly message: OfRun }
  | { readonly type: 'saved'; readonly name: string };

/** What can be kept of it; the extension asks where. */
export type FileKind = 'csv' | 'svg' | 'png' | 'md' | 'html';

export type ToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'choose' }
  | { readonly type: 'open'; readonly id: string }
  /** Of a sweep: its best combination, as an experiment. */
  | { readonly type: 'writeBest'; readonly metric: Metric }
  | { readonly type: 'pictures'; readonly id: string; readonly folder: string }
  | { readonly type: 'image'; readonly id: string; readonly file: string }
  | { readonly type: 'save'; readonly kind: FileKind; readonly name: string; readonly content: string | ArrayBuffer };

/** Kept by `setState`: which runs and how they are looked at, never data. */
export interface CompareState extends Looks {
  readonly runs: readonly string[];
  /** Whose runs they are, if of one sweep as a whole. */
  readonly sweep?: string;
  readonly baseline?: string;
  readonly join: boolean;
  readonly order?: { readonly column: string; readonly descending: boolean };
  readonly classOrder?: { readonly column: string; readonly descending: boolean };
  /** The two whose masks stand side by side. */
  readonly left?: string;
  readonly right?: string;
  readonly boxes: boolean;
  /** What the best is chosen by; the first that there is where it is left out. */
  readonly metric?: string;
  /** Chosen parts of axes, by key: from 0 at the bottom to 1 at the top. */
  readonly brushes: Readonly<Record<string, readonly [number, number]>>;
}
