/** Entry of the loader's thread: makes batches in order, a few ahead of need. Bundled to `loader.js` beside the command line. */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchMaker, type PreparedBatch } from './batches.ts';
import { fromRecord, toErrorRecord, type FromLoader, type LoaderSetup, type ToLoader } from './loaderProtocol.ts';

/** Batches in the making: the last images of one leave cores free that the first of the next can use. They are sent in order. */
const AT_ONCE = 2;

async function serve(port: NonNullable<typeof parentPort>, setup: LoaderSetup): Promise<void> {
  const maker = new BatchMaker(setup.images.map(fromRecord), setup.plan);
  let allowed = setup.ahead;
  let stopped = false;
  let wake = (): void => undefined;
  port.on('message', (message: ToLoader) => {
    if (typeof message === 'object') maker.keep(message.keep);
    else if (message === 'more') allowed += 1;
    else stopped = true;
    wake();
  });
  const send = (message: FromLoader, transfer: ArrayBuffer[]): void => {
    port.postMessage(message, transfer);
  };
  // Both change in the message handler, between the awaits of this loop.
  const ended = (): boolean => stopped;
  const mayMake = (): boolean => allowed > 0;
  const making: Promise<PreparedBatch>[] = [];
  for (let step = setup.from; !ended(); ) {
    for (; mayMake() && making.length < AT_ONCE; step += 1, allowed -= 1) making.push(started(maker.make(step)));
    const first = making.shift();
    if (first === undefined) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    try {
      const batch = await first;
      if (!ended()) send({ batch }, [batch.images.buffer, ...(batch.taught?.groups ?? []).flatMap(({ values }) => values.map(({ buffer }) => buffer))]);
    } catch (error) {
      send({ error: toErrorRecord(error) }, []);
      break;
    }
  }
  await Promise.allSettled(making);
  send({ settled: await maker.settled() }, []);
  port.close();
}

/** Its error is told when its turn comes; until then it must not count as unhandled. */
function started<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

if (parentPort !== null) void serve(parentPort, workerData as LoaderSetup);
