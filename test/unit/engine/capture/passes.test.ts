import { describe, expect, it } from 'vitest';
import { constantNode, DT, shapeMessage, type Graph, type GraphNode } from '../../../../src/engine/capture/graphDef.ts';
import { withoutDuplicates } from '../../../../src/engine/capture/passes/duplicates.ts';
import { withoutIdentities } from '../../../../src/engine/capture/passes/identities.ts';
import { rewritten } from '../../../../src/engine/capture/passes/index.ts';
import { withoutUnused } from '../../../../src/engine/capture/passes/unused.ts';

const float = { type: DT.float };
const outputs = (...shape: number[]): NonNullable<GraphNode['outputs']> => [{ shape, dtype: DT.float }];
const input = (name: string, ...shape: number[]): GraphNode => ({ name, op: 'Placeholder', attr: { dtype: float, shape: { shape: shapeMessage(shape) } }, outputs: outputs(...shape) });
const node = (name: string, op: string, from: readonly string[], ...shape: number[]): GraphNode => ({ name, op, input: from, attr: { T: float }, outputs: outputs(...shape) });
const constant = (name: string, values: readonly number[]): GraphNode => ({ ...constantNode(name, DT.int32, [values.length], Buffer.from(Int32Array.from(values).buffer)), outputs: [{ shape: [values.length], dtype: DT.int32 }] });
const graph = (nodes: readonly GraphNode[], ...roots: string[]): Graph => ({ nodes, roots: new Set(roots) });
const names = ({ nodes }: Graph): string[] => nodes.map(({ name }) => name);
const inputsOf = ({ nodes }: Graph, name: string): readonly string[] | undefined => nodes.find((found) => found.name === name)?.input;

describe('what nothing needs', () => {
  it('goes, with what only it needed; what is waited for stays', () => {
    const before = graph([input('x', 2), node('a', 'Relu', ['x:0'], 2), node('unread', 'Neg', ['a:0'], 2), node('late', 'Identity', ['x:0', '^a'], 2)], 'late');
    expect(names(withoutUnused(before))).toEqual(['x', 'a', 'late']);
    expect(names(before)).toContain('unread');
  });
});

describe('nodes that compute the same', () => {
  it('become one, and so does what then computes the same', () => {
    const before = graph([
      input('x', 2), constant('c', [1]), constant('d', [1]), constant('other', [2]),
      node('a', 'Mul', ['x:0', 'c:0'], 2), node('b', 'Mul', ['x', 'd:0'], 2), node('e', 'Mul', ['x:0', 'other:0'], 2),
      node('sum', 'AddN', ['a:0', 'b:0', 'e:0'], 2), node('out', 'Identity', ['sum:0', '^b'], 2),
    ], 'out');
    const after = withoutDuplicates(before);
    expect(names(after)).toEqual(['x', 'c', 'other', 'a', 'e', 'sum', 'out']);
    expect(inputsOf(after, 'sum')).toEqual(['a:0', 'a:0', 'e:0']);
    expect(inputsOf(after, 'out')).toEqual(['sum:0', '^a']);
  });

  it('stay apart where they differ in an attribute, have an effect or are asked for by name', () => {
    const cast = (name: string, type: number): GraphNode => ({ ...node(name, 'Cast', ['x:0'], 2), attr: { SrcT: float, DstT: { type } } });
    const nodes = [
      input('x', 2), cast('int', DT.int32), cast('bool', DT.bool), node('w', 'VarHandleOp', []), node('early', 'ReadVariableOp', ['w'], 2), node('later', 'ReadVariableOp', ['w', '^early'], 2),
      node('out1', 'Identity', ['x:0'], 2), node('out2', 'Identity', ['x:0'], 2), node('step1', 'ResourceApplyMomentum', ['w', 'x:0']), node('step2', 'ResourceApplyMomentum', ['w', 'x:0']),
    ];
    expect(names(withoutDuplicates(graph(nodes, 'out1', 'out2')))).toEqual(nodes.map(({ name }) => name));
  });
});

describe('nodes that change nothing', () => {
  it('are passed over: clones, reshapes to the same shape, all but the last of several reshapes', () => {
    const after = withoutIdentities(graph([
      input('x', 2, 3), constant('flat', [6]), constant('same', [2, 3]), node('clone', 'Identity', ['x:0'], 2, 3), node('again', 'Reshape', ['clone:0', 'same:0'], 2, 3),
      node('first', 'Reshape', ['again:0', 'flat:0'], 6), node('back', 'Reshape', ['first:0', 'same:0'], 2, 3), node('real', 'Reshape', ['first:0', 'flat:0'], 6),
      node('out', 'AddN', ['back:0', 'again:0'], 2, 3), node('flatOut', 'Identity', ['real:0'], 6),
    ], 'out', 'flatOut'));
    expect(inputsOf(after, 'out')).toEqual(['x:0', 'x:0']);
    expect(names(after)).not.toContain('clone');
    expect(names(after)).not.toContain('again');
    expect(names(after)).not.toContain('back');
    expect(inputsOf(after, 'real')).toEqual(['x:0', 'flat:0']);
  });

  it('stay where they are waited for or wait themselves, and where they change the shape or the type', () => {
    const cast: GraphNode = { ...node('cast', 'Cast', ['x:0'], 2), outputs: [{ shape: [2], dtype: DT.int32 }] };
    const nodes = [input('x', 2), constant('row', [1, 2]), node('waits', 'Identity', ['x:0', '^row'], 2), cast, node('turned', 'Reshape', ['x:0', 'row:0'], 1, 2), node('out', 'AddN', ['waits:0', 'cast:0', 'turned:0'], 2)];
    expect(names(withoutIdentities(graph(nodes, 'out')))).toEqual(nodes.map(({ name }) => name));
  });
});

it('all passes together leave what is fetched under its name', () => {
  const after = rewritten(graph([input('x', 2), node('c1', 'Identity', ['x:0'], 2), node('a', 'Relu', ['c1:0'], 2), node('b', 'Relu', ['x:0'], 2), node('out', 'AddN', ['a:0', 'b:0'], 2)], 'out'));
  expect(names(after)).toEqual(['x', 'a', 'out']);
  expect(inputsOf(after, 'out')).toEqual(['a:0', 'a:0']);
});
