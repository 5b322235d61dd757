/** Writes `events.jsonl`: one JSON object a line, appended at once; on resume cuts what lies past the checkpoints. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventSchema, FILES, type Arm, type RunEvent } from '../experiment/record.ts';
import { diskError, writeAtomically } from './files.ts';

type WithoutTime<T> = T extends unknown ? Omit<T, 'time'> : never;
export type NewEvent = WithoutTime<RunEvent>;

/** Room kept free for the last event: on a full disk a run must still be able to say why it ended. */
const RESERVE_BYTES = 64 * 1024;

export class EventWriter {
  private readonly path: string;
  private readonly reserve: string;

  constructor(folder: string) {
    this.path = join(folder, FILES.events);
    this.reserve = join(folder, '.reserve');
  }

  /** Takes the room that `end` may need. */
  open(): void {
    this.guarded(() => { writeFileSync(this.reserve, Buffer.alloc(RESERVE_BYTES)); });
  }

  write(event: NewEvent): void {
    this.guarded(() => { appendFileSync(this.path, `${JSON.stringify({ ...event, time: Date.now() })}\n`); });
  }

  /** The last event of a process, with what it took of memory; gives the reserve back first. */
  end(event: Extract<NewEvent, { type: 'ended' }>): void {
    rmSync(this.reserve, { force: true });
    this.write({ ...event, peakMemory: process.resourceUsage().maxRSS * 1024 });
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (cause) {
      throw diskError(this.path, cause);
    }
  }

  /** Whether the teacher's own AP stands in the record already: it is measured once a run, however often that is resumed. */
  evaluatedTeacher(): boolean {
    if (!existsSync(this.path)) return false;
    return readFileSync(this.path, 'utf8').split('\n').some((line) => {
      const event = parse(line);
      return event?.type === 'evaluation' && event.subject === 'teacher';
    });
  }

  /** Steps of the run as its last attempt knew them; undefined in a fresh run. */
  formerLength(): number | undefined {
    if (!existsSync(this.path)) return undefined;
    const last = readFileSync(this.path, 'utf8').split('\n').findLast((line) => line.includes('"type":"started"'));
    const event = last === undefined ? undefined : parse(last);
    return event?.type === 'started' ? event.totalSteps : undefined;
  }

  /** Removes what each arm recorded after the step that it goes on from, the former end, and a torn last line. */
  cutAfter(steps: Readonly<Partial<Record<Arm, number>>>): void {
    if (!existsSync(this.path)) return;
    const kept = readFileSync(this.path, 'utf8').split('\n').filter((line) => keeps(line, steps));
    writeAtomically(this.path, kept.map((line) => `${line}\n`).join(''));
  }
}

/** Undefined for a torn line or one that is no event. */
function parse(line: string): RunEvent | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function keeps(line: string, steps: Readonly<Partial<Record<Arm, number>>>): boolean {
  const event = parse(line);
  if (event === undefined) return false;
  switch (event.type) {
    case 'ended': return false;
    case 'step':
    case 'pictures':
    case 'checkpoint': return event.step <= (steps[event.arm] ?? 0);
    case 'evaluation': return event.subject === 'teacher' || event.step <= (steps[event.subject] ?? 0);
    case 'started':
    case 'phase':
    case 'warning': return true;
  }
}
