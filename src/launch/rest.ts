/**
 * Asking a service over HTTP: JSON both ways, redirects followed with what was sent, silence told.
 * Not by `fetch`, which calls itself a browser (`sec-fetch-mode`): Ray refuses those.
 */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { DistillError } from '../errors.ts';

export interface RestOptions {
  /** `http://host:port`, perhaps with a path before those that are asked for. */
  readonly address: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  /** Undefined when the text is no JSON. */
  readonly body: unknown;
}

const TIMEOUT_MS = 30_000;
const MOST_REDIRECTS = 5;

export class RestClient {
  readonly #address: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ address, headers = {} }: RestOptions) {
    this.#address = address.replace(/\/+$/, '');
    this.#headers = headers;
  }

  /** @throws DistillError DL760 when nothing answers. */
  get(path: string): Promise<Reply> {
    return this.#ask('GET', path, undefined);
  }

  /** @throws DistillError DL760 when nothing answers. */
  post(path: string, body?: unknown): Promise<Reply> {
    return this.#ask('POST', path, body === undefined ? undefined : JSON.stringify(body));
  }

  async #ask(method: 'GET' | 'POST', path: string, body: string | undefined): Promise<Reply> {
    const home = new URL(`${this.#address}${path}`);
    let url = home;
    for (let hops = 0; ; hops += 1) {
      // The token is for the host that was named, not for those that it points to, and never less guarded than there.
      const own = url.hostname === home.hostname && (url.protocol === home.protocol || url.protocol === 'https:') ? this.#headers : {};
      const { status, location, text } = await send(url, { method, headers: { accept: 'application/json', ...own }, body });
      // A POST that is sent on from http to https stays a POST.
      if (status < 300 || status >= 400 || location === undefined || !URL.canParse(location, url.href) || hops >= MOST_REDIRECTS) return { status, text, body: parsed(text) };
      url = new URL(location, url);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') throw silent(url, 'a redirect to neither http nor https');
    }
  }
}

interface Sent {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

async function send(url: URL, { method, headers, body }: Sent): Promise<{ readonly status: number; readonly location: string | undefined; readonly text: string }> {
  const typed = body === undefined ? headers : { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => { reject(silent(url, reasonOf(cause), cause)); };
    const request = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, { method, headers: typed, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => { chunks.push(chunk); });
      response.on('error', fail);
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, location: response.headers.location, text: Buffer.concat(chunks).toString('utf8') }); });
    });
    request.on('error', fail);
    request.end(body);
  });
}

function silent(url: URL, got: string, cause?: unknown): DistillError {
  return new DistillError('DL760', `Nothing answers at ${url.origin}.`, { got, advice: 'Check the address in `launch` and that the cluster is up; a cluster behind a gateway may need a tunnel to this machine.', cause });
}

/** Names with several addresses fail with an error that only its code describes. */
function reasonOf(error: Error): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  return error.message === '' && 'code' in error ? String(error.code) : error.message;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
