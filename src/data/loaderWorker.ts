/** Entry of the loader's thread: makes batches in order, a few ahead of need. Bundled to `loader.js` beside the command line. */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchMaker } from './batches.ts';
import { fromRecord, toErrorRecord, type FromLoader, type LoaderSetup, type ToLoader } from './loaderProtocol.ts';

async function serve(port: NonNullable<typeof parentPort>, setup: LoaderSetup): Promise<void> {
  const maker = new BatchMaker(setup.images.map(fromRecord), setup.plan);
  let allowed = setup.ahead;
  let stopped = false;
  let wake = (): void => undefined;
  port.on('message', (message: ToLoader) => {
    if (message === 'more') allowed += 1;
    else stopped = true;
    wake();
  });
  const send = (message: FromLoader, transfer: ArrayBuffer[]): void => {
    port.postMessage(message, transfer);
  };
  // Both change in the message handler, between the awaits of this loop.
  const ended = (): boolean => stopped;
  const mayMake = (): boolean => allowed > 0;
  for (let step = setup.from; !ended(); ) {
    if (!mayMake()) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    allowed -= 1;
    try {
      const batch = await maker.make(step);
      if (!ended()) send({ batch }, [batch.images.buffer]);
      step += 1;
    } catch (error) {
      send({ error: toErrorRecord(error) }, []);
      break;
    }
  }
  port.close();
}

if (parentPort !== null) void serve(parentPort, workerData as LoaderSetup);
