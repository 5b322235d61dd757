import { describe, expect, it } from 'vitest';
import { jsonErrorLine } from '../../../src/data/jsonLine.ts';

describe('jsonErrorLine', () => {
  it.each([
    ['{\n"a": [NaN]}', 2],
    ['{"a": 1,\n}', 2],
    ['[1,\n\n2\n3]', 4],
    ['{"a"\n: 1}\n}', 3],
    ['{"a": [1, {"b": "c\\u00e9", "d": -1.5e-3}],\n"e" 2}', 2],
    ['{"a": 1]\n', 1],
    ['[\n01]', 2],
    ['[true,\nundefined]', 2],
    ['["a\nb"]', 1],
    ['{\n"a": {\n"b": [', 3],
    ['', 1],
  ])('%j breaks in line %i', (text, line) => {
    expect(() => void JSON.parse(text)).toThrow(SyntaxError);
    expect(jsonErrorLine(text)).toBe(line);
  });
});
