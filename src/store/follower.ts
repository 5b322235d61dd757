/** One run, read bit by bit whenever it is asked for: cheaper than reading it whole, quieter than watching it. */
import path from 'node:path';
import { FILES } from '../experiment/record.ts';
import { EventLog } from './eventLog.ts';
import { emptyHistory, fold } from './history.ts';
import { Lookout } from './lookout.ts';
import { type RunSummary, summarize } from './run.ts';

export class RunFollower {
  readonly folder: string;
  readonly #log: EventLog;
  readonly #lookout: Lookout;
  #history = emptyHistory();

  constructor(folder: string) {
    this.folder = folder;
    this.#log = new EventLog(path.join(folder, FILES.events), undefined, true);
    this.#lookout = new Lookout(folder);
  }

  /** The run as it is now, without the lines of its log. */
  async look(): Promise<RunSummary> {
    // The process first: an end that is written in between must not look like a kill.
    const surroundings = await this.#lookout.look();
    for (let more = true; more;) {
      const part = this.#log.readNow();
      if (part.reset) this.#history = emptyHistory();
      for (const event of part.events) fold(this.#history, event);
      ({ more } = part);
    }
    return summarize(this.folder, this.#history, surroundings, this.#log.badLines);
  }
}
