/** The extension's side of a comparison, played with fake runs. */
import { type Page } from 'playwright-core';
import { comparedRun } from '../../src/comparison/read.ts';
import { type ComparedRun } from '../../src/comparison/run.ts';
import { type Metrics, type RunEvent } from '../../src/experiment/record.ts';
import { experimentSchema } from '../../src/experiment/schema.ts';
import { emptyHistory, fold } from '../../src/store/history.ts';
import { summarize } from '../../src/store/run.ts';
import { fakeEvents, fakeExperiment, fakeRecording, type FakeRunOptions } from './fakeRun.ts';
import { fakeImage } from './fakeScene.ts';
import { bytesOf, sendTo } from './panelPage.ts';

export interface FakeCompared {
  readonly id: string;
  readonly run: FakeRunOptions;
  readonly seed?: number;
  readonly learningRate?: number;
  /** Images of the validation set. */
  readonly val?: number;
  /** Of the student's AP as the formulas have it. */
  readonly skill?: number;
  readonly state?: ComparedRun['state'];
  /** Its place in a sweep, where it belongs to one: then the page is told so, too. */
  readonly sweep?: ComparedRun['sweep'];
}

export function eventsOf({ run, skill = 1, seed = 0 }: FakeCompared): RunEvent[] {
  const scaled = (metrics: Metrics): Metrics => Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key, Math.min(1, value * skill)])) as Metrics;
  return fakeEvents(run).map((event): RunEvent => {
    if (event.type === 'evaluation' && event.subject === 'student') {
      return { ...event, metrics: scaled(event.metrics), perClass: Object.fromEntries(Object.entries(event.perClass).map(([name, of], at) => [name, scaled({ ...of, AP: of.AP * (1 + 0.06 * ((at + seed) % 3 - 1)) })])) };
    }
    return event.type === 'step' ? { ...event, losses: Object.fromEntries(Object.entries(event.losses).map(([name, value]) => [name, value * (1.6 - 0.6 * skill) * (1 + 0.05 * Math.sin(event.step / 17 + seed))])) } : event;
  });
}

export function comparedOf(fake: FakeCompared): ComparedRun {
  const { id, run, seed = 0, learningRate = 0.006, val = 200, state = 'finished', sweep } = fake;
  const plain = fakeExperiment(run) as { readonly train: object; readonly data: object };
  const experiment = experimentSchema.parse({ ...plain, train: { ...plain.train, seed, learningRate }, data: { ...plain.data, val } });
  const history = emptyHistory();
  for (const event of eventsOf(fake)) fold(history, event);
  const resolved = { experiment, source: { file: '/x.distill.yaml', lines: {} }, overrides: [], version: '0.1.0', versions: {}, created: 1 };
  return { ...comparedRun(summarize(`/runs/${id}`, history, { outline: undefined, note: {}, heartbeat: undefined, launch: undefined, stopRequested: false, created: 1, alive: false }), resolved), state, ...(sweep !== undefined && { sweep }) };
}

/** Answers what the page asks for as the extension would. */
export function compareHost(fakes: readonly FakeCompared[]): (page: Page, message: unknown) => Promise<void> {
  return async (page, given) => {
    const message = given as { readonly type: string; readonly id?: string; readonly folder?: string; readonly file?: string };
    if (message.type === 'ready') {
      await sendTo(page, { type: 'set', runs: fakes.map(comparedOf), ...(fakes[0]?.sweep !== undefined && { sweep: fakes[0].sweep.id }) });
      for (const fake of fakes) await sendTo(page, { type: 'of', id: fake.id, message: { type: 'events', events: eventsOf(fake), reset: true } });
      return;
    }
    const { run = {}, skill = 1 } = fakes.find(({ id }) => id === message.id) ?? {};
    const inner = async (fields: string): Promise<void> => { await page.evaluate(`window.postMessage({ type: 'of', id: ${JSON.stringify(message.id)}, message: ${fields} }, '*')`); };
    if (message.type === 'pictures') {
      const { index, values } = fakeRecording(run, Number(message.folder?.split('-').at(-1)));
      const base64 = Buffer.from(values.map((value) => value * skill).buffer).toString('base64');
      await inner(`{ type: 'pictures', folder: ${JSON.stringify(message.folder)}, index: ${JSON.stringify(index)}, values: ${bytesOf(base64)} }`);
    } else if (message.type === 'image') {
      const image = Number(/scene-(\d+)/.exec(message.file ?? '')?.[1] ?? 0);
      await inner(`{ type: 'image', file: ${JSON.stringify(message.file)}, mime: 'image/png', bytes: ${bytesOf((await fakeImage(image, run.imageSize ?? 128)).toString('base64'))} }`);
    }
  };
}
