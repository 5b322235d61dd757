/** Writes `events.jsonl`: one JSON object a line, appended at once; on resume cuts what lies past the checkpoints. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventSchema, FILES, type Arm, type RunEvent } from '../experiment/record.ts';
import { diskError, writeAtomically } from './files.ts';

type WithoutTime<T> = T extends unknown ? Omit<T, 'time'> : never;
export type NewEvent = WithoutTime<RunEvent>;

export class EventWriter {
  private readonly path: string;

  constructor(folder: string) {
    this.path = join(folder, FILES.events);
  }

  write(event: NewEvent): void {
    try {
      appendFileSync(this.path, `${JSON.stringify({ ...event, time: Date.now() }, finite)}\n`);
    } catch (cause) {
      throw diskError(this.path, cause);
    }
  }

  /** Removes what each arm recorded after the step that it goes on from, the former end, and a torn last line. */
  cutAfter(steps: Readonly<Partial<Record<Arm, number>>>): void {
    if (!existsSync(this.path)) return;
    const kept = readFileSync(this.path, 'utf8').split('\n').filter((line) => keeps(line, steps));
    writeAtomically(this.path, kept.map((line) => `${line}\n`).join(''));
  }
}

/** JSON has no NaN: a part that blew up is written as null, and the `ended` event names it. */
function finite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

function keeps(line: string, steps: Readonly<Partial<Record<Arm, number>>>): boolean {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return false;
  }
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success) return false;
  const event = parsed.data;
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
