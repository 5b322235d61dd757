import { describe, expect, it } from 'vitest';
import { DT, type GraphNode } from '../../../src/engine/capture/graphDef.ts';
import { mixedPrecision } from '../../../src/engine/capture/passes/mixedPrecision.ts';
import { placeReplicas } from '../../../src/engine/capture/passes/placement.ts';

const T = { T: { type: DT.float } };
const node = (name: string, op: string, input: readonly string[] = [], others: Partial<GraphNode> = {}): GraphNode => ({ name, op, input, attr: T, ...others });

describe('mixed precision', () => {
  const nodes = [
    node('x', 'Placeholder'), node('w', 'ReadVariableOp'), node('b', 'ReadVariableOp'),
    node('conv', 'Conv2D', ['x:0', 'w:0']), node('biased', 'BiasAdd', ['conv:0', 'b:0']), node('relu', 'Relu', ['biased']),
    node('next', 'Conv2D', ['relu:0', 'w:0']), node('loss', 'Sum', ['next:0', 'x:0']),
    node('filter', 'Conv2DBackpropFilter', ['relu:0', 'x:0', 'next:0']), node('scaled', 'Mul', ['filter:0', 'b:0']), node('plain', 'Relu', ['x:0']),
  ];
  const rewritten = mixedPrecision(nodes);
  const byName = new Map(rewritten.map((each) => [each.name, each]));

  it('runs convolutions and what follows them in bfloat16, and leaves the rest', () => {
    const inHalf = rewritten.filter(({ attr }) => attr?.T?.type === DT.bfloat16).map(({ name }) => name);
    expect(inHalf).toEqual(['conv/mixed', 'biased/mixed', 'relu/mixed', 'next/mixed', 'filter/mixed']);
    expect(byName.get('plain')).toEqual(nodes.at(-1));
    expect(byName.get('scaled')?.input).toEqual(['filter:0', 'b:0']);
  });

  it('goes from one to the next without a detour, and converts a tensor once', () => {
    expect(byName.get('biased/mixed')?.input?.[0]).toBe('conv/mixed:0');
    expect(byName.get('next/mixed')?.input?.[0]).toBe('relu/mixed:0');
    const casts = rewritten.filter(({ op, attr }) => op === 'Cast' && attr?.DstT?.type === DT.bfloat16).flatMap(({ input }) => input ?? []);
    expect(casts).toEqual(['x:0', 'w:0', 'b:0']);
  });

  it('gives float32 to all others, sizes stay integers, and order is kept', () => {
    expect(byName.get('next')).toMatchObject({ op: 'Cast', input: ['next/mixed:0'], attr: { DstT: { type: DT.float } } });
    expect(byName.get('filter/mixed')?.input).toEqual(['relu/mixed:0', 'x:0', 'next/mixed:0']);
    const seen = new Set<string>();
    for (const { name, input = [] } of rewritten) {
      for (const source of input) expect(seen).toContain(source.replace(/:\d+$/, ''));
      seen.add(name);
    }
  });
});

describe('parts of a batch on devices', () => {
  const nodes = [
    node('images', 'Placeholder'), node('w', 'ReadVariableOp'),
    node('own0', 'Conv2D', ['images:0', 'w:0'], { replica: 0 }), node('own1', 'Conv2D', ['images:0', 'w:0'], { replica: 1 }),
    node('sizes', 'Const', [], { replica: 1 }),
    node('joined', 'ConcatV2', ['own0:0', 'own1:0']), node('loss', 'Sum', ['joined:0']),
    node('slice0', 'Slice', ['joined:0']), node('slice1', 'Slice', ['joined:0']),
    node('relu0', 'ReluGrad', ['slice0:0', 'own0:0']), node('relu1', 'ReluGrad', ['slice1:0', 'own1:0']),
    node('filter0', 'Conv2DBackpropFilter', ['images:0', 'w:0', 'relu0:0']), node('filter1', 'Conv2DBackpropFilter', ['images:0', 'w:0', 'relu1:0', '^own0']),
    node('sum', 'AddV2', ['filter0:0', 'filter1:0']),
  ];
  const devices = new Map(placeReplicas(['/device:GPU:0', '/device:GPU:1'])(nodes).map(({ name, device }) => [name, device]));

  it('keeps forward ops and their gradients together', () => {
    for (const part of [0, 1]) for (const name of ['own', 'relu', 'filter']) expect(devices.get(`${name}${part}`), name).toBe(`/device:GPU:${part}`);
  });

  it('leaves to TensorFlow what reads several parts or none, and what a GPU has no kernel for', () => {
    for (const name of ['images', 'w', 'joined', 'loss', 'slice0', 'sum', 'sizes']) expect(devices.get(name), name).toBeUndefined();
  });
});
