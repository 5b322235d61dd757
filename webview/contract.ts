/** Every message between the panel's page and the extension, both ways. Nothing else crosses. */
import type { Arm, PictureIndex, RunEvent, RunState } from '../src/experiment/record.ts';

/** What the page must know besides the events; sent whole whenever it changes (it is small). */
export interface RunHeader {
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  /** Why it failed, was killed or lost, in one sentence. */
  readonly reason?: string;
  /** Last lines of the log, for a run that did not end well. */
  readonly logTail?: readonly string[];
  /** Whether the failure points at a line of the experiment file. */
  readonly hasLine: boolean;
  /** What of the run's record could not be read, in one sentence. */
  readonly damage?: string;
  readonly picturesEvery?: number;
  /** Steps between evaluations, so that the page can say when the first comes. */
  readonly evaluateEvery?: number;
  /** While a long record is still being read: how far the run is known to be. */
  readonly soFar?: SoFar;
}

export interface SoFar {
  readonly arm: Arm;
  readonly step: number;
  readonly total: number;
  /** 0…1 over all arms. */
  readonly progress: number;
  readonly summary?: string;
  readonly device?: string;
}

export type ToPage =
  | { readonly type: 'header'; readonly header: RunHeader }
  /** `reset` is true for the first part of a run's history (first paint, another run, truncated by a resume). */
  | { readonly type: 'events'; readonly events: readonly RunEvent[]; readonly reset: boolean }
  /** Answer to `pictures`. */
  | { readonly type: 'pictures'; readonly folder: string; readonly index: PictureIndex; readonly values: ArrayBuffer }
  /** Answer to `image`: the stored file's bytes, for a blob. */
  | { readonly type: 'image'; readonly file: string; readonly mime: string; readonly bytes: ArrayBuffer }
  | { readonly type: 'problem'; readonly message: string };

export type Action = 'stop' | 'kill' | 'resume' | 'further' | 'report' | 'log' | 'line';

export type ToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'action'; readonly action: Action }
  | { readonly type: 'pictures'; readonly folder: string }
  | { readonly type: 'image'; readonly file: string }
  | { readonly type: 'methodPage'; readonly method: string }
  /** A chart to keep; the extension asks where. */
  | { readonly type: 'save'; readonly kind: FileKind; readonly name: string; readonly content: string | ArrayBuffer };

export type FileKind = 'svg' | 'png' | 'csv';

/** How curves and masks are looked at, on every page that shows them. */
export interface Looks {
  readonly hidden: readonly string[];
  readonly smoothing: number;
  readonly logarithmic: boolean;
  readonly axis: 'step' | 'epoch' | 'time';
  readonly zoom?: readonly [number, number];
  readonly image: number;
  readonly mask?: string;
  readonly level?: string;
  readonly pictureStep?: number;
  readonly opacity: number;
  readonly sameScale: boolean;
  readonly colours: 'viridis' | 'magma' | 'grey';
}

/** Kept by `setState`: which run and how it is looked at, never data. Well under 2 KB. */
export interface ViewState extends Looks {
  readonly runId: string;
  /** Boxes below this score are not drawn. */
  readonly score?: number;
  readonly boxes: { readonly truth: boolean; readonly teacher: boolean; readonly student: boolean; /** On every pane, not the image alone. */ readonly everywhere?: boolean };
}
