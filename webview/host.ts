/** The page's one way out: the editor's extension, or, in a report, the data embedded in the page itself. */
import { element } from './dom.ts';
import { type FileKind, type ToHost, type ToPage, type ViewState } from './contract.ts';
import { readMessage } from './messages.ts';
import { REPORT_ELEMENT, type ReportData } from './reportData.ts';

export interface Host {
  /** A report: nothing can be done to the run. */
  readonly readOnly: boolean;
  send(message: ToHost): void;
  listen(receive: (message: ToPage) => void): void;
  load(): unknown;
  save(state: ViewState): void;
}

const MIME: Readonly<Record<FileKind, string>> = { svg: 'image/svg+xml', png: 'image/png', csv: 'text/csv' };

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
        const { message, refused } = readMessage(event.data);
        if (refused > 0) console.warn(message === undefined ? 'A message of unknown form was left out.' : `${refused} events of unknown form were left out.`);
        if (message !== undefined) receive(message);
      });
    },
    load: () => api?.getState(),
    save: (state) => { api?.setState(state); },
  };
}

function reportHost(data: ReportData): Host {
  let receive: (message: ToPage) => void = () => undefined;
  const answer = (given: ToPage): void => {
    const { message } = readMessage(given);
    if (message !== undefined) queueMicrotask(() => { receive(message); });
  };
  return {
    readOnly: true,
    send: (message) => {
      if (message.type === 'ready') {
        answer({ type: 'header', header: data.header });
        answer({ type: 'events', events: data.events, reset: true });
      } else if (message.type === 'pictures') {
        const found = data.pictures.find((item) => item.folder === message.folder);
        if (found !== undefined) answer({ type: 'pictures', folder: found.folder, index: found.index, values: decode(found.values) });
      } else if (message.type === 'save') {
        download(message);
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

/** A report has nobody to ask where: the browser keeps it where it keeps everything. */
function download({ kind, name, content }: Extract<ToHost, { type: 'save' }>): void {
  const address = URL.createObjectURL(new Blob([content], { type: MIME[kind] }));
  const link = element('a', { href: address, download: `${name.replace(/[^\p{L}\p{N}]+/gu, '-')}.${kind}` });
  link.click();
  setTimeout(() => { URL.revokeObjectURL(address); }, 10_000);
}

function decode(base64: string): ArrayBuffer {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}
