/**
 * All runs of a sweep, from one file: every combination with every seed, and the controls that they are measured against.
 * Controls are runs of their own, so that one serves all combinations that train alike without distillation.
 */
import { type Combination, combinationsOf, describeCombination } from '../experiment/combinations.ts';
import { type Environment } from '../experiment/environmentVariables.ts';
import { formatKey } from '../experiment/keyPath.ts';
import { readExperiment } from '../experiment/load.ts';
import { type Positions } from '../experiment/positions.ts';
import { type Problem } from '../experiment/problems.ts';
import { type SweepNote } from '../experiment/record.ts';
import { type Experiment } from '../experiment/schema.ts';

/** What distinguishes one run of a sweep; the same fields go into its folder. */
export interface PlannedRun extends Omit<SweepNote, 'id' | 'name'> {
  /** Changes of the file that make this run, in order. */
  readonly overrides: readonly string[];
}

export interface Plan {
  readonly name: string;
  /** In the order in which they should be started: by seed, controls first. */
  readonly runs: readonly PlannedRun[];
  readonly experiments: ReadonlyMap<string, Experiment>;
  readonly positions: Positions;
  readonly problems: readonly Problem[];
  /** Combinations that amount to the same experiment as an earlier one, and are not trained again. */
  readonly repeated: number;
  /** The file's own experiment, with `halving` and `launch`; absent when there are errors. */
  readonly experiment?: Experiment;
}

export interface PlanOptions {
  /** `--set` changes of the file, before the sweep's own. */
  readonly overrides?: readonly string[] | undefined;
  readonly environment?: Environment | undefined;
}

/** Pure: the same file gives the same plan. Every experiment of it has passed the checks, or there is a problem. */
export function planSweep(text: string, file: string, options: PlanOptions = {}): Plan {
  const own = readExperiment(text, file, options);
  const empty = { name: '', runs: [], experiments: new Map<string, Experiment>(), positions: own.positions, problems: own.problems, repeated: 0 };
  if (own.experiment === undefined) return empty;
  const planner = new Planner(text, file, options, own.experiment);
  const runs = planner.plan();
  const problems = [...own.problems, ...planner.problems];
  if (planner.problems.length > 0) return { ...empty, problems };
  return { ...empty, name: own.experiment.name, runs, experiments: planner.experiments, problems, repeated: planner.repeated, experiment: own.experiment };
}

class Planner {
  readonly experiments = new Map<string, Experiment>();
  readonly problems: Problem[] = [];
  repeated = 0;
  readonly #text: string;
  readonly #file: string;
  readonly #options: PlanOptions;
  readonly #own: Experiment;
  /** Keys of runs by what they train. */
  readonly #known = new Map<string, string>();
  readonly #runs: PlannedRun[] = [];

  constructor(text: string, file: string, options: PlanOptions, own: Experiment) {
    this.#text = text;
    this.#file = file;
    this.#options = options;
    this.#own = own;
  }

  plan(): readonly PlannedRun[] {
    const combinations = combinationsOf(this.#own.sweep);
    for (const seed of this.#own.seeds ?? [this.#own.train.seed]) {
      for (const [index, combination] of combinations.entries()) {
        this.#addStudent(combination, index, seed);
        // The first one tells what is wrong; a thousand like it would not tell more.
        if (this.problems.length > 0) return [];
      }
    }
    const rank = ({ role }: PlannedRun): number => (role === 'control' ? 0 : 1);
    const seeds = [...new Set(this.#runs.map(({ seed }) => seed))];
    return this.#runs.toSorted((a, b) => seeds.indexOf(a.seed) - seeds.indexOf(b.seed) || rank(a) - rank(b));
  }

  #addStudent(combination: Combination, index: number, seed: number): void {
    const label = describeCombination(combination);
    const changes = ['seeds=', 'sweep=', ...combination.map(({ path, value }) => `${formatKey(path)}=${value === null ? '' : JSON.stringify(value)}`), `train.seed=${seed}`];
    const experiment = this.#read([...changes, ...this.#nameOf(label, seed)]);
    if (experiment === undefined) return;
    const controls = experiment.control ? [...this.#addControls(experiment, changes, seed)] : [];
    this.#add({ key: `c${index + 1}-s${seed}`, role: 'student', label, values: Object.fromEntries(combination.map(({ path, value }) => [formatKey(path), value])), seed, controls, overrides: [...changes, 'control=false', ...this.#nameOf(label, seed)] }, { ...experiment, control: false });
  }

  /** Without distillation; where the student inherits, once with and once without inheriting. */
  #addControls(experiment: Experiment, changes: readonly string[], seed: number): readonly string[] {
    if (experiment.distill.length === 0) return [];
    const bare = [...changes, 'distill=[]', 'control=false'];
    const inheriting: Experiment = { ...experiment, distill: [], control: false };
    // Teachers that follow one another give the schedule its parts, also without methods.
    const together = experiment.teaching === 'together';
    const plain: Experiment = { ...inheriting, student: { ...experiment.student, inherit: 'none' }, ...(together ? { teacher: undefined } : {}) };
    const keys = [this.#addControl('control', [...bare, 'student.inherit=none', ...(together ? ['teacher='] : [])], plain, seed)];
    if (experiment.student.inherit !== 'none') keys.push(this.#addControl('control, inheriting', bare, inheriting, seed));
    return keys;
  }

  #addControl(label: string, changes: readonly string[], experiment: Experiment, seed: number): string {
    const number = this.#runs.filter((run) => run.role === 'control' && run.seed === seed).length + 1;
    return this.#add({ key: `control${number}-s${seed}`, role: 'control', label, values: {}, seed, controls: [], overrides: [...changes, ...this.#nameOf(label, seed)] }, experiment);
  }

  /** @returns the key of the run that trains this: an earlier one if there is one. */
  #add(run: PlannedRun, experiment: Experiment): string {
    const identity = JSON.stringify([run.role, { ...experiment, name: '', launch: undefined }]);
    const known = this.#known.get(identity);
    if (known !== undefined) {
      if (run.role === 'student') this.repeated += 1;
      return known;
    }
    this.#known.set(identity, run.key);
    const checked = this.#read(run.overrides);
    if (checked !== undefined) this.experiments.set(run.key, checked);
    this.#runs.push({ ...run, overrides: [...(this.#options.overrides ?? []), ...run.overrides] });
    return run.key;
  }

  #nameOf(label: string, seed: number): readonly string[] {
    const parts = [this.#own.name, ...(label === '' ? [] : [label]), ...(this.#own.seeds === undefined ? [] : [`seed ${seed}`])];
    const name = parts.join(', ');
    return [`name=${JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name)}`];
  }

  #read(changes: readonly string[]): Experiment | undefined {
    const { experiment, problems } = readExperiment(this.#text, this.#file, { ...this.#options, overrides: [...(this.#options.overrides ?? []), ...changes] });
    if (experiment === undefined) this.problems.push(...problems.filter(({ severity }) => severity === 'error'));
    return experiment;
  }
}
