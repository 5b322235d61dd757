/** What the bands of the page share. */
import { type Comparison } from '../../src/comparison/compare.ts';
import { type RunModel } from '../model.ts';
import { type Theme } from '../theme.ts';
import { type CompareState, type ToHost } from './contract.ts';

export interface Context {
  comparison(): Comparison;
  /** Ids of all runs in the order of the choice; a run's place in it is its colour. */
  order(): readonly string[];
  readonly models: ReadonlyMap<string, RunModel>;
  view(): CompareState;
  setView(change: Partial<CompareState>): void;
  replaceView(view: CompareState): void;
  theme(): Theme;
  /** Changes whenever the theme does. */
  themeKey(): number;
  readonly send: (message: ToHost) => void;
  readonly announce: (text: string) => void;
}
