import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunEvent } from '../../../src/experiment/record.ts';
import { EventLog } from '../../../src/store/index.ts';
import { lines, started, step } from './material.ts';

let root = '';
let file = '';
beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-log-')); });
afterAll(() => { rmSync(root, { recursive: true }); });
beforeEach(() => {
  file = path.join(root, 'events.jsonl');
  writeFileSync(file, '');
});

const stepsIn = (events: readonly RunEvent[]): number[] => events.flatMap((event) => (event.type === 'step' ? [event.step] : []));

async function all(log: EventLog, budget?: number): Promise<number[]> {
  const steps: number[] = [];
  for (let more = true; more;) {
    const part = await log.read(budget);
    steps.push(...stepsIn(part.events));
    ({ more } = part);
  }
  return steps;
}

describe('the events file', () => {
  it('reads as empty while it is not there', async () => {
    expect(await new EventLog(path.join(root, 'nowhere')).read()).toEqual({ events: [], reset: false, more: false });
  });

  it('is read as it grows, each line once', async () => {
    const log = new EventLog(file);
    writeFileSync(file, lines([started(), step(1)]));
    expect(stepsIn((await log.read()).events)).toEqual([1]);
    expect((await log.read()).events).toEqual([]);
    appendFileSync(file, lines([step(2), step(3)]));
    expect(stepsIn((await log.read()).events)).toEqual([2, 3]);
  });

  it('waits for the rest of a line, wherever it is torn, even inside a letter', async () => {
    const text = Buffer.from(lines([started({ name: 'Größe' })]));
    for (const cut of [1, text.indexOf('ö') + 1, text.length - 1]) {
      writeFileSync(file, text.subarray(0, cut));
      const log = new EventLog(file);
      expect(await log.read()).toEqual({ events: [], reset: false, more: false });
      appendFileSync(file, text.subarray(cut));
      expect((await log.read()).events).toMatchObject([{ name: 'Größe' }]);
      expect(log.badLines).toBe(0);
    }
  });

  it('loses only the lines that are garbage', async () => {
    const good = lines([step(1)]).trim();
    writeFileSync(file, [good, good.slice(0, 30), '{"type":"step"}', '\u0000\u0000', 'null', '[]', '{"type":"unknown","time":1}', '', lines([step(2)]).trim(), ''].join('\n'));
    const log = new EventLog(file);
    expect(await all(log)).toEqual([1, 2]);
    expect(log.badLines).toBe(6);
  });

  it('begins anew when it was cut, even if it has grown past the place by then', async () => {
    const log = new EventLog(file);
    writeFileSync(file, lines([started(), ...Array.from({ length: 50 }, (_, i) => step(i + 1))]));
    expect(await all(log)).toHaveLength(50);
    writeFileSync(file, lines([started(), ...Array.from({ length: 20 }, (_, i) => step(i + 1)), ...Array.from({ length: 90 }, (_, i) => step(i + 21, { imagesPerSecond: 7 }))]));
    const part = await log.read();
    expect(part.reset).toBe(true);
    expect(stepsIn(part.events)).toEqual(Array.from({ length: 110 }, (_, i) => i + 1));
    truncateSync(file, 0);
    expect(await log.read()).toEqual({ events: [], reset: true, more: false });
    rmSync(file);
    expect((await log.read()).reset).toBe(false);
  });

  it('can be gone on with by another reader', async () => {
    const log = new EventLog(file);
    writeFileSync(file, `garbage\n${lines([step(1)])}`);
    await log.read();
    const next = new EventLog(file, structuredClone(log.mark));
    appendFileSync(file, lines([step(2)]));
    expect(await next.read()).toMatchObject({ events: [{ step: 2 }], reset: false });
    expect(next.badLines).toBe(1);
    const late = new EventLog(file, log.mark);
    writeFileSync(file, lines([step(7), step(8), step(9)]));
    expect(await late.read()).toMatchObject({ events: [{ step: 7 }, { step: 8 }, { step: 9 }], reset: true });
  });

  it('is read in bounded parts', async () => {
    writeFileSync(file, lines(Array.from({ length: 20_000 }, (_, i) => step(i + 1))));
    const log = new EventLog(file);
    const first = await log.read(1);
    expect(first.more).toBe(true);
    expect(first.events.length).toBeLessThan(10_000);
    expect(first.events.length + (await all(log, 1)).length).toBe(20_000);
  });

  it('with a line of many megabytes costs that line only, and not the memory', async () => {
    writeFileSync(file, lines([step(1)]));
    for (let i = 0; i < 24; i += 1) appendFileSync(file, 'x'.repeat(2 ** 20));
    const log = new EventLog(file);
    expect(await all(log)).toEqual([1]);
    appendFileSync(file, `tail of the long line\n${lines([step(2)])}`);
    expect(await all(log)).toEqual([2]);
    expect(log.badLines).toBe(1);
  });
});
