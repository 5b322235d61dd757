import { describe, expect, test } from 'vitest';
import { parseCompareMessage, restoredRuns } from '../../../src/extension/compareMessages.ts';

describe('messages from the page of a comparison', () => {
  test.each([
    { type: 'ready' }, { type: 'choose' }, { type: 'open', id: 'a' }, { type: 'pictures', id: 'a', folder: 'pictures/student-1' }, { type: 'image', id: 'a', file: 'images/1.png' },
    { type: 'save', kind: 'csv', name: '../x', content: 'a,b' }, { type: 'save', kind: 'png', name: 'AP', content: new ArrayBuffer(3) },
  ])('takes %o', (message) => {
    expect(parseCompareMessage(message)).toEqual(message);
  });

  test.each([
    undefined, null, 'ready', [], {}, { type: 'ready', extra: 1 }, { type: 'open' }, { type: 'open', id: 7 }, { type: 'image', id: 'a', file: '' },
    { type: 'save', kind: 'exe', name: 'x', content: '' }, { type: 'save', kind: 'png', name: 'x', content: 'words' }, { type: 'save', kind: 'csv', name: 'x', content: new ArrayBuffer(1) }, { type: 'save', kind: 'csv', name: 'x'.repeat(501), content: '' },
  ])('drops %o', (message) => {
    expect(parseCompareMessage(message)).toBeUndefined();
  });

  test.each([[{ runs: ['a', 'b'], join: true }, ['a', 'b']], [undefined, []], [{}, []], [{ runs: 'a' }, []], [{ runs: [''] }, []], [{ runs: [4] }, []]])('the state %o names the runs %j', (state, expected) => {
    expect(restoredRuns(state)).toEqual(expected);
  });
});
