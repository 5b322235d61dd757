/**
 * The run's events as series. Pure: no DOM, no clock, so that the extension's tests and the report can use it.
 *
 * Rules: a `started` that goes on from a step cuts what lies past it (the run trains those steps again); a break in the
 * data is remembered as a break; parts keep the names that the run gave them, whatever they are, up to a bound.
 */
import { type Arm, type EventOf, type Metrics, type RunEvent } from '../src/experiment/record.ts';
import { Column, indexAt } from './columns.ts';
import { clip } from './format.ts';

export type Subject = Arm | 'teacher';
export type Axis = 'step' | 'epoch' | 'time';

/** More parts than anybody reads: what a broken or hostile run folder could make of a page is bounded here. */
export const MAX_PARTS = 128;
const MAX_MARKS = 5000;
/** A jump this many times the usual distance of two events is a gap, not a line. */
const GAP_FACTOR = 20;
const GAP_STEPS = 50;

/** All step events of one arm, a row a quantity; rows have equal lengths, NaN where a part was absent. */
export class ArmHistory {
  readonly steps = new Column();
  /** Seconds of training since the arm's first step, pauses between sessions left out. */
  readonly elapsed = new Column();
  readonly learningRate = new Column();
  readonly gradientNorm = new Column();
  readonly imagesPerSecond = new Column();
  readonly parts = new Map<string, Column>();
  readonly droppedParts = new Set<string>();
  /** Indices before which the line is broken. */
  breaks: number[] = [];
  /** Bumped when something already there is cut: what was derived from it is void. */
  generation = 0;
  #previousTime: number | undefined;
  #newSession = false;

  get length(): number {
    return this.steps.length;
  }

  get lastStep(): number {
    return this.length === 0 ? 0 : this.steps.last;
  }

  beginSession(from: number | undefined): void {
    if (from !== undefined) this.cutAfter(from);
    this.#previousTime = undefined;
    this.#newSession = this.length > 0;
  }

  /** Its turn begins: what other arms, evaluations and checkpoints took is no time of its training. */
  beginTurn(time: number | undefined): void {
    this.#previousTime = this.length === 0 ? undefined : time;
  }

  cutAfter(step: number): void {
    const keep = indexAt(this.steps.view(), step) + 1;
    if (keep === this.length) return;
    for (const column of [this.steps, this.elapsed, this.learningRate, this.gradientNorm, this.imagesPerSecond, ...this.parts.values()]) column.truncate(keep);
    this.breaks = this.breaks.filter((index) => index < keep);
    this.generation += 1;
  }

  add(event: EventOf<'step'>): void {
    const { step } = event;
    if (!Number.isFinite(step) || (this.length > 0 && step <= this.steps.last)) return;
    if (this.#isGap(step)) this.breaks.push(this.length);
    const passed = this.#previousTime === undefined ? 0 : Math.max(0, event.time - this.#previousTime) / 1000;
    this.elapsed.push((this.length === 0 ? 0 : this.elapsed.last) + passed);
    this.steps.push(step);
    this.learningRate.push(event.learningRate);
    this.gradientNorm.push(event.gradientNorm);
    this.imagesPerSecond.push(event.imagesPerSecond);
    this.#addParts(event.losses);
    this.#previousTime = event.time;
    this.#newSession = false;
  }

  #addParts(losses: Readonly<Record<string, number>>): void {
    for (const name of Object.keys(losses)) {
      let column = this.parts.get(name);
      if (column === undefined) {
        if (this.parts.size >= MAX_PARTS) {
          if (this.droppedParts.size < 10 * MAX_PARTS) this.droppedParts.add(name);
          continue;
        }
        column = new Column();
        column.padTo(this.length - 1);
        this.parts.set(name, column);
      }
      const value = losses[name];
      if (column.length < this.length) column.push(typeof value === 'number' && Number.isFinite(value) ? value : NaN);
    }
    for (const column of this.parts.values()) column.padTo(this.length);
  }

  #isGap(step: number): boolean {
    const count = this.length;
    if (count === 0) return false;
    if (this.#newSession) return true;
    const usual = count > 1 ? this.steps.last - this.steps.at(count - 2) : 1;
    return step - this.steps.last > Math.max(GAP_STEPS, GAP_FACTOR * usual);
  }

  /** Seconds of training at a step, interpolated. */
  elapsedAt(step: number): number {
    const index = indexAt(this.steps.view(), step);
    if (index < 0) return this.length === 0 ? NaN : 0;
    const [here, there] = [this.steps.at(index), this.steps.at(index + 1)];
    const [from, to] = [this.elapsed.at(index), this.elapsed.at(index + 1)];
    return Number.isNaN(there) ? from : from + ((to - from) * (step - here)) / (there - here);
  }
}

export interface Evaluation {
  readonly step: number;
  readonly metrics: Metrics;
  readonly seconds: number;
}
export interface Gain {
  /** Difference of AP, 0…1. */
  readonly value: number;
  readonly step: number;
}
export interface Mark {
  readonly arm: Arm;
  readonly step: number;
}
export interface PictureMark extends Mark {
  readonly folder: string;
  readonly time: number;
}
export interface CheckpointMark extends Mark {
  readonly kind: 'last' | 'best';
}

export class RunModel {
  started: EventOf<'started'> | undefined;
  phase: EventOf<'phase'> | undefined;
  ended: EventOf<'ended'> | undefined;
  /** Of the last event that carried one. */
  lastTime = 0;
  arms = new Map<Arm, ArmHistory>();
  evaluations = new Map<Subject, Evaluation[]>();
  pictures: PictureMark[] = [];
  checkpoints: CheckpointMark[] = [];
  resumes: Mark[] = [];
  warnings: string[] = [];
  /** Of the last step event: the arm that trains now. */
  currentArm: Arm = 'student';
  /** Grows with every change; a whole number that views compare. */
  version = 0;

  add(events: readonly RunEvent[], reset: boolean): void {
    if (reset) this.#clear();
    for (const event of events) this.#take(event);
    this.version += 1;
  }

  #clear(): void {
    this.started = this.phase = this.ended = undefined;
    this.lastTime = 0;
    this.arms = new Map();
    this.evaluations = new Map();
    this.pictures = [];
    this.checkpoints = [];
    this.resumes = [];
    this.warnings = [];
    this.currentArm = 'student';
  }

  #take(event: RunEvent): void {
    if (Number.isFinite(event.time)) this.lastTime = event.time;
    switch (event.type) {
      case 'started': this.#begin(event); break;
      case 'phase':
        this.phase = event;
        if (event.arm === undefined) break;
        this.currentArm = event.arm;
        if (event.phase === 'training') this.arms.get(event.arm)?.beginTurn(event.time);
        break;
      case 'step':
        if (event.arm !== this.currentArm) this.arms.get(event.arm)?.beginTurn(undefined);
        this.history(event.arm).add(event);
        this.currentArm = event.arm;
        break;
      case 'evaluation': this.#evaluate(event); break;
      case 'pictures': keep(this.pictures, { arm: event.arm, step: event.step, folder: event.folder, time: event.time }); break;
      case 'checkpoint': keep(this.checkpoints, { arm: event.arm, step: event.step, kind: event.kind }); break;
      case 'warning': if (this.warnings.length < 200) this.warnings.push(event.message); break;
      case 'ended': this.ended = event; break;
      default: break;
    }
  }

  history(arm: Arm): ArmHistory {
    let history = this.arms.get(arm);
    if (history === undefined) this.arms.set(arm, (history = new ArmHistory()));
    return history;
  }

  #begin(event: EventOf<'started'>): void {
    const again = this.started !== undefined;
    this.started = event;
    this.ended = this.phase = undefined;
    if (!again) return;
    for (const [arm, history] of this.arms) {
      const from = (event.from as Partial<Record<Arm, number>>)[arm];
      history.beginSession(from);
      if (from === undefined) continue;
      const stays = (mark: Mark): boolean => mark.arm !== arm || mark.step <= from;
      this.pictures = this.pictures.filter(stays);
      this.checkpoints = this.checkpoints.filter(stays);
      this.resumes = this.resumes.filter(stays);
      const list = this.evaluations.get(arm);
      if (list !== undefined) this.evaluations.set(arm, list.filter((item) => item.step <= from));
      // An arm that was done before the pause does not go on: no mark at its end.
      if (from > 0 && from < event.totalSteps) keep(this.resumes, { arm, step: from });
    }
  }

  #evaluate(event: EventOf<'evaluation'>): void {
    const list = this.evaluations.get(event.subject) ?? [];
    if (list.length >= MAX_MARKS) return;
    const others = list.filter((item) => item.step !== event.step);
    others.push({ step: event.step, metrics: event.metrics, seconds: event.seconds });
    this.evaluations.set(event.subject, others.sort((a, b) => a.step - b.step));
  }

  lastEvaluation(subject: Subject): Evaluation | undefined {
    return this.evaluations.get(subject)?.at(-1);
  }

  /**
   * The student's AP less the better control's, at the last step at which the student and every control were measured:
   * comparing different steps would flatter one of them.
   */
  gain(): Gain | undefined {
    return this.gains().at(-1);
  }

  /** The same at every such step. */
  gains(): readonly Gain[] {
    const controls = (['control', 'controlInherit'] as const).filter((arm) => this.started?.arms.includes(arm) ?? false);
    if (controls.length === 0) return [];
    const rivals = controls.map((arm) => new Map(this.evaluations.get(arm)?.map(({ step, metrics }) => [step, metrics.AP])));
    return (this.evaluations.get('student') ?? []).flatMap(({ step, metrics }) => {
      const measured = rivals.flatMap((rival) => rival.get(step) ?? []);
      return measured.length === rivals.length && metrics.AP >= 0 ? [{ value: metrics.AP - Math.max(0, ...measured), step }] : [];
    });
  }

  /** Names of all loss parts but the total, detection first, then methods in their order. */
  partNames(arm: Arm = 'student'): string[] {
    const names = [...(this.arms.get(arm)?.parts.keys() ?? [])].filter((name) => name !== 'total');
    return [...names.filter((name) => groupOf(name) === 'detection'), ...names.filter((name) => groupOf(name) !== 'detection')];
  }

  /** A method's name as the run tells it; its id where it tells none. */
  titleOf(method: string): string {
    const titles = this.started?.methodTitles ?? {};
    return clip(Object.hasOwn(titles, method) ? (titles[method] ?? method) : method, 32);
  }

  /** Where a step of an arm lies on an axis: steps, epochs or minutes of training. */
  position(arm: Arm, step: number, axis: Axis): number {
    if (axis === 'step') return step;
    if (axis === 'epoch') return step / Math.max(1, this.started?.stepsPerEpoch ?? 1);
    return this.history(arm).elapsedAt(step) / 60;
  }

  /** The step of an arm at a place of the axis: the inverse of `position`. */
  stepAt(arm: Arm, x: number, axis: Axis): number {
    if (axis === 'step') return x;
    if (axis === 'epoch') return x * Math.max(1, this.started?.stepsPerEpoch ?? 1);
    const history = this.history(arm);
    const index = indexAt(history.elapsed.view(), x * 60);
    return index < 0 ? 0 : history.steps.at(index);
  }
}

/** `fgd.foreground` → `fgd`; a name without a dot is its own group. */
export function groupOf(part: string): string {
  const dot = part.indexOf('.');
  return dot <= 0 ? part : part.slice(0, dot);
}

/** `fgd.foreground` → `foreground`. */
export function partOf(part: string): string {
  const dot = part.indexOf('.');
  return dot <= 0 ? part : part.slice(dot + 1);
}

function keep<T extends Mark>(list: T[], mark: T): void {
  if (list.length < MAX_MARKS && Number.isFinite(mark.step)) list.push(mark);
}
