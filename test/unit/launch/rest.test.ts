/** A real server that sends on, refuses and falls silent. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RestClient } from '../../../src/launch/rest.ts';

let server: Server;
let port = 0;
const seen: { readonly method: string; readonly url: string; readonly token: string | undefined; readonly body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    void textOf(request).then((body) => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, token: headers.authorization, body });
      if (url === '/moved') response.writeHead(302, { location: '/api' }).end();
      else if (url === '/elsewhere') response.writeHead(307, { location: `http://localhost:${port}/api` }).end();
      else if (url === '/round') response.writeHead(302, { location: '/round' }).end();
      else response.end(url === '/words' ? 'no JSON' : '{"a":1}');
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, resolve); });
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => { await new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }); });

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
const client = (): RestClient => new RestClient({ address: `http://127.0.0.1:${port}/`, headers: { authorization: 'Bearer secret' } });

it('follows a redirect with what was sent, and the token on the same host', async () => {
  seen.length = 0;
  expect((await client().post('/moved', { b: 2 })).body).toEqual({ a: 1 });
  expect(seen.at(-1)).toEqual({ method: 'POST', url: '/api', token: 'Bearer secret', body: '{"b":2}' });
});

it('keeps the token from another host', async () => {
  seen.length = 0;
  expect((await client().post('/elsewhere', {})).status).toBe(200);
  expect(seen.map(({ token }) => token)).toEqual(['Bearer secret', undefined]);
});

it('gives up a redirect that goes round, and text that is no JSON', async () => {
  expect(await client().get('/round')).toMatchObject({ status: 302 });
  expect(await client().get('/words')).toEqual({ status: 200, text: 'no JSON', body: undefined });
});

it('says at which address nothing answers', async () => {
  await expect(new RestClient({ address: 'http://127.0.0.1:9' }).get('/')).rejects.toMatchObject({ code: 'DL760', message: 'Nothing answers at http://127.0.0.1:9.' });
});
