/** Messages to the page that are right but for one place, which holds something that does not belong there. */
import { fakeEvents, fakeRecording } from './fakeRun.ts';

const STRANGE: readonly unknown[] = [undefined, null, true, NaN, -1, 1e308, '', '<img src=x onerror="window.hacked = 1">', '../../../etc/passwd', [], [null], {}, { length: 3 }];

/** Copies of a value with each of its places, itself among them, replaced by each strange thing. */
export function* mutationsOf(value: unknown): Generator {
  yield* STRANGE;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) for (const other of mutationsOf(value[at])) yield value.map((item: unknown, i) => (i === at ? other : item));
  } else if (typeof value === 'object' && value !== null && !(value instanceof ArrayBuffer)) {
    for (const [key, inner] of Object.entries(value)) for (const other of mutationsOf(inner)) yield { ...value, [key]: other };
  }
}

export function* hostileMessages(): Generator {
  const header = { id: 'fake-1', name: 'b', state: 'failed', hasLine: true, reason: 'r', logTail: ['l'], damage: 'd', picturesEvery: 4, evaluateEvery: 4 };
  yield* mutationsOf({ type: 'header', header });
  const events = fakeEvents({ totalSteps: 8, reached: 8, evaluateEvery: 8, picturesEvery: 8, arms: ['student'], end: 'failed' });
  for (const type of new Set(events.map((event) => event.type))) {
    const event = events.findLast((candidate) => candidate.type === type);
    for (const other of mutationsOf(event)) yield { type: 'events', events: [other], reset: false };
  }
  const { index, values } = fakeRecording({ totalSteps: 12, images: 1, imageSize: 32, methods: ['rm', 'dsig'] }, 4);
  const [image] = index.images;
  const few = { ...index, images: [{ ...image, groundTruth: image?.groundTruth.slice(0, 1), teacher: image?.teacher.slice(0, 1), student: image?.student.slice(0, 1) }], masks: index.masks.filter(({ role }) => role === 'teacher') };
  yield* mutationsOf({ type: 'pictures', folder: 'pictures/student-8', index: few, values: values.slice().buffer });
  yield* mutationsOf({ type: 'image', file: 'images/scene-0.png', mime: 'image/png', bytes: new ArrayBuffer(8) });
  yield* mutationsOf({ type: 'problem', message: 'x' });
}
