/** What people are told of a method: the table behind `distill-lab methods`, hovers, `docs/methods` and the panel's links. No tensors. */

export type MethodFamily = 'feature' | 'attention' | 'instance' | 'relation' | 'logit' | 'localisation' | 'assignment' | 'schedule' | 'self';

/** What teacher and student must share, because the method compares it one by one. */
export type Shared = 'levels' | 'classes' | 'anchors' | 'boxes' | 'distribution' | 'towers';

export interface MethodCard {
  /** The word after `method:` in the experiment file. */
  readonly id: string;
  readonly title: string;
  readonly paper: string;
  readonly venue: string;
  /** The paper's own page; left out where there is none that is free to read. */
  readonly url?: string;
  readonly family: MethodFamily;
  /** `none`: the student learns from itself or from labels, and `teacher` may be left out. */
  readonly teacher: 'needed' | 'none';
  readonly shares: readonly Shared[];
  /** Students' detectors that are served; left out: all. */
  readonly detectors?: readonly string[];
  /**
   * How far numbers were compared: `reference`: with numbers of the reference code. `restated`: no code was released; with numbers made
   * from the paper's equations by others than us. `none`: no reference exists; only properties are tested.
   */
  readonly parity: 'reference' | 'restated' | 'none';
  /** True where formulas are our reading of a paper that could not be read whole. */
  readonly experimental?: boolean;
  /** Values of options whose default depends on the student's detector. */
  readonly defaults?: (detector: string) => Readonly<Record<string, number>>;
}
