import { describe, expect, it } from 'vitest';
import { readOptions, SUITE } from '../../../benchmarks/options.ts';
import { relativeDifference, rounded, spreadOf } from '../../../benchmarks/statistics.ts';
import { torchProblem } from '../../../benchmarks/twin.ts';

describe('the benchmark', () => {
  it('summarises times', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => spreadOf([])).toThrow(RangeError);
    expect(rounded(123.456)).toBe(123.5);
  });

  it('takes losses for different that are missing, not numbers, or apart', () => {
    expect(relativeDifference({ a: 1, b: 0 }, { a: 1, b: 0, c: 5 })).toBe(0);
    expect(relativeDifference({ a: 2 }, { a: 1 })).toBe(0.5);
    expect(relativeDifference({ a: 1 }, {})).toBe(Infinity);
    expect(relativeDifference({ a: NaN }, { a: NaN })).toBe(Infinity);
  });

  it('reads its options and refuses what it does not know', () => {
    expect(readOptions([])).toMatchObject({ size: [256, 256], batch: 2, teacher: 'resnet50', student: 'resnet18' });
    expect(readOptions(['--size', '128x192', '--batch', '4'])).toMatchObject({ size: [128, 192], batch: 4 });
    expect(readOptions(['--size', 'small', '--method', 'pkd', '--parts', '0'])).toMatchObject({ size: [128, 128], batch: 4, classes: 4, teacher: 'small', student: 'tiny', method: 'pkd', parts: 0 });
    expect(readOptions(['--contenders', 'captured,pytorchCompiled'])?.contenders).toEqual(['captured', 'pytorchCompiled']);
    for (const args of SUITE) expect(readOptions(args)).toBeDefined();
    expect(readOptions(['--help'])).toBeUndefined();
    expect(() => readOptions(['--contenders', 'pytorchEager'])).toThrow(/captured/);
    expect(() => readOptions(['--method', 'none'])).toThrow(/--method/);
    expect(() => readOptions(['--size', 'big'])).toThrow(/--size/);
    expect(() => readOptions(['--batch', '0'])).toThrow(/--batch/);
    expect(() => readOptions(['--colour', 'red'])).toThrow(/colour/);
  });

  it('says why PyTorch is not there', () => {
    expect(torchProblem('no-such-python')).toContain('no-such-python');
  });
});
