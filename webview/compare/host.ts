/** The page's one way out. */
import { type CompareState, type ToHost, type ToPage } from './contract.ts';
import { readToPage } from './messages.ts';

export interface Host {
  send(message: ToHost): void;
  listen(receive: (message: ToPage) => void): void;
  load(): unknown;
  save(state: CompareState): void;
}

interface EditorApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

export function findHost(): Host {
  const api = (globalThis as { acquireVsCodeApi?: () => EditorApi }).acquireVsCodeApi?.();
  return {
    send: (message) => api?.postMessage(message),
    listen: (receive) => {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        const message = readToPage(event.data);
        if (message === undefined) console.warn('A message of unknown form was left out.');
        else receive(message);
      });
    },
    load: () => api?.getState(),
    save: (state) => { api?.setState(state); },
  };
}
