/** The page's one way out: the editor's extension, or, in a report, the data embedded in the page itself. */
import { type ToHost, type ToPage, type ViewState } from './contract.ts';
import { REPORT_ELEMENT, type ReportData } from './reportData.ts';

export interface Host {
  /** A report: nothing can be done to the run. */
  readonly readOnly: boolean;
  send(message: ToHost): void;
  listen(receive: (message: ToPage) => void): void;
  load(): unknown;
  save(state: ViewState): void;
}

interface EditorApi {
  postMessage(message: ToHost): void;
  getState(): unknown;
  setState(state: ViewState): void;
}

declare global {
  // Given to every webview by the editor; absent in a report.
  var acquireVsCodeApi: (() => EditorApi) | undefined;
}

export function findHost(): Host {
  const embedded = document.getElementById(REPORT_ELEMENT)?.textContent;
  return embedded === undefined || embedded === '' ? editorHost() : reportHost(JSON.parse(embedded) as ReportData);
}

function editorHost(): Host {
  const api = globalThis.acquireVsCodeApi?.();
  return {
    readOnly: false,
    send: (message) => api?.postMessage(message),
    listen: (receive) => {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        if (isMessage(event.data)) receive(event.data);
        else console.warn('A message of unknown form was ignored.');
      });
    },
    load: () => api?.getState(),
    save: (state) => { api?.setState(state); },
  };
}

const KINDS: ReadonlySet<unknown> = new Set(['header', 'events', 'pictures', 'image', 'problem']);

/** Deep enough that nothing below throws before it can say what is wrong; contents are checked where they are used. */
function isMessage(data: unknown): data is ToPage {
  if (typeof data !== 'object' || data === null || !('type' in data) || !KINDS.has(data.type)) return false;
  const message = data as Record<string, unknown>;
  switch (message.type) {
    case 'header': return typeof message.header === 'object' && message.header !== null;
    case 'events': return Array.isArray(message.events) && message.events.every((event) => typeof event === 'object' && event !== null);
    case 'pictures': return message.values instanceof ArrayBuffer && isIndex(message.index);
    case 'image': return message.bytes instanceof ArrayBuffer;
    default: return typeof message.message === 'string';
  }
}

function isIndex(index: unknown): boolean {
  return typeof index === 'object' && index !== null && 'images' in index && Array.isArray(index.images) && 'masks' in index && Array.isArray(index.masks);
}

function reportHost(data: ReportData): Host {
  let receive: (message: ToPage) => void = () => undefined;
  const answer = (message: ToPage): void => { queueMicrotask(() => { receive(message); }); };
  return {
    readOnly: true,
    send: (message) => {
      if (message.type === 'ready') {
        answer({ type: 'header', header: data.header });
        answer({ type: 'events', events: data.events, reset: true });
      } else if (message.type === 'pictures') {
        const found = data.pictures.find((item) => item.folder === message.folder);
        if (found !== undefined) answer({ type: 'pictures', folder: found.folder, index: found.index, values: decode(found.values) });
      } else if (message.type === 'image') {
        const found = data.images.find((item) => item.file === message.file);
        if (found !== undefined) answer({ type: 'image', file: found.file, mime: found.mime, bytes: decode(found.bytes) });
      }
    },
    listen: (given) => { receive = given; },
    load: () => undefined,
    save: () => undefined,
  };
}

function decode(base64: string): ArrayBuffer {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}
