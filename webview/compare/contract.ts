/** Every message between the page of a comparison and the extension, both ways. Nothing else crosses. */
import { type ComparedRun } from '../../src/comparison/run.ts';
import { type Looks, type ToPage as OfRun } from '../contract.ts';

export type ToPage =
  /** What is compared, in the order of the choice; sent whole whenever a run is added, taken away or deleted. */
  | { readonly type: 'set'; readonly runs: readonly ComparedRun[] }
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
  | { readonly type: 'pictures'; readonly id: string; readonly folder: string }
  | { readonly type: 'image'; readonly id: string; readonly file: string }
  | { readonly type: 'save'; readonly kind: FileKind; readonly name: string; readonly content: string | ArrayBuffer };

/** Kept by `setState`: which runs and how they are looked at, never data. */
export interface CompareState extends Looks {
  readonly runs: readonly string[];
  readonly baseline?: string;
  readonly join: boolean;
  readonly order?: { readonly column: string; readonly descending: boolean };
  readonly classOrder?: { readonly column: string; readonly descending: boolean };
  /** The two whose masks stand side by side. */
  readonly left?: string;
  readonly right?: string;
  readonly boxes: boolean;
}
