import { describe, expect, test } from 'vitest';
import { contentSecurityPolicy, newNonce, pageHtml, wordsHtml } from '../../../src/extension/html.ts';
import { parseMessage, restoredRunId } from '../../../src/extension/messages.ts';

describe('the page', () => {
  const parts = { cspSource: 'https://x.example', script: 'https://x.example/webview.js', style: 'https://x.example/webview.css', nonce: 'abc', language: 'en', title: '</title><script>alert(1)</script>' };

  test('allows one script, by nonce, and nothing inline or from elsewhere', () => {
    const policy = contentSecurityPolicy('https://x.example', 'abc');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'nonce-abc'");
    expect(policy).not.toMatch(/unsafe|connect-src|frame-src|\*/);
  });

  test('escapes what it is given', () => {
    const html = pageHtml(parts);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).toContain('&lt;/title&gt;&lt;script&gt;');
  });

  test('has no inline style, handler or script', () => {
    expect(pageHtml({ ...parts, title: 'run' })).not.toMatch(/style=|<style|\son\w+=|<script[^>]*>[^<]/);
  });

  test('that only says something loads nothing, and escapes it', () => {
    const html = wordsHtml({ language: 'en', title: parts.title, sentence: '<img src=x onerror=alert(1)>' });
    expect(html).toContain(`content="default-src 'none'"`);
    expect(html).not.toMatch(/<script|<link|<img|style=/);
  });

  test('carries the translations as data that nothing in them can leave', () => {
    const words = { Stop: '</script><script>alert(1)</script>' };
    const html = pageHtml({ ...parts, title: 'run', words });
    expect(html.match(/<script/g)).toHaveLength(2);
    const [, json = ''] = /<script type="application\/json" id="words">(.*)<\/script>\n/.exec(html) ?? [];
    expect(JSON.parse(json)).toEqual(words);
  });

  test('takes a new nonce each time', () => {
    const nonces = new Set(Array.from({ length: 50 }, newNonce));
    expect(nonces.size).toBe(50);
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('messages from the page', () => {
  test.each([
    { type: 'ready' }, { type: 'action', action: 'stop' }, { type: 'pictures', folder: 'pictures/student-100' }, { type: 'image', file: 'images/1.png' }, { type: 'methodPage', method: 'fgd' },
    { type: 'save', kind: 'svg', name: 'AP', content: '<svg/>' }, { type: 'save', kind: 'png', name: 'AP', content: new ArrayBuffer(4) },
  ])('takes %o', (message) => {
    expect(parseMessage(message)).toEqual(message);
  });

  test.each([
    undefined, null, 'ready', 3, [], {}, { type: 'eval', code: '1' }, { type: 'action', action: 'rm -rf' }, { type: 'ready', extra: 1 },
    { type: 'pictures', folder: 7 }, { type: 'image', file: '' }, { type: 'image', file: 'x'.repeat(501) }, { type: 'methodPage', method: 'https://evil.example' },
    { type: 'save', kind: 'exe', name: 'AP', content: '' }, { type: 'save', kind: 'png', name: 'AP', content: 'words' }, { type: 'save', kind: 'csv', name: 'AP', content: '', path: '/etc/passwd' },
  ])('drops %o', (message) => {
    expect(parseMessage(message)).toBeUndefined();
  });

  test.each([[{ runId: 'a', zoom: [1, 2] }, 'a'], [undefined, undefined], [{}, undefined], [{ runId: 4 }, undefined], [{ runId: '' }, undefined], ['a', undefined]])('the state %o names the run %s', (state, expected) => {
    expect(restoredRunId(state)).toBe(expected);
  });
});
