/**
 * Records what a function does: stands in for the native binding while the function runs once, and writes a graph node
 * for every op that TensorFlow executes. Tensors are followed by their native ids.
 */
import { currentReplica } from '../replica.ts';
import { constantNode, shapeMessage, type Attribute, type GraphNode } from './graphDef.ts';
import { type Binding, type OpAttribute, type TensorMetadata, type Values } from './binding.ts';

/**
 * Ops whose kernels leave type attributes to eager execution, which infers them; a graph does not.
 * Attribute → the input whose type it is.
 */
const INFERRED: Readonly<Record<string, Readonly<Record<string, number>>>> = { ExpandDims: { T: 0, Tdim: 1 } };

/** Uniform constants above this many values are written as a Fill node: the graph would grow by megabytes otherwise. */
const FILL_ABOVE = 64;

export class Recorder {
  readonly nodes: GraphNode[] = [];
  /** Native tensor id → `node:output`. */
  private readonly sources = new Map<number, string>();
  /** Small constants are shared: type, shape and bytes → node. */
  private readonly constants = new Map<string, string>();
  private readonly lateSources = new Map<number, () => string>();
  /** Native tensor id → data type. */
  private readonly types = new Map<number, number>();
  private readonly binding: Binding;
  private readonly prefix: string;
  private counter = 0;

  /** @param prefix of every node's name, ends with `/`. */
  constructor(binding: Binding, prefix: string) {
    this.binding = binding;
    this.prefix = prefix;
  }

  /** Says where a tensor that exists already comes from; the node is made only when something uses it. */
  declare(id: number, dtype: number, source: () => string): void {
    this.types.set(id, dtype);
    this.lateSources.set(id, source);
  }

  add(node: GraphNode): string {
    this.nodes.push(node);
    return node.name;
  }

  name(kind: string): string {
    this.counter += 1;
    return `${this.prefix}${kind}_${this.counter}`;
  }

  sourceOf(id: number, op: string): string {
    const known = this.sources.get(id);
    if (known !== undefined) return known;
    const late = this.lateSources.get(id);
    if (late === undefined) throw new Error(`${op}: an input that is neither a declared input or variable nor made in the step`);
    const source = late();
    this.sources.set(id, source);
    return source;
  }

  /** The stand-in for the binding: everything else goes through to the real one. */
  proxy(): Binding {
    const overrides: Partial<Record<keyof Binding, unknown>> = {
      createTensor: (shape: readonly number[], dtype: number, values: Values | readonly number[]) => this.createTensor(shape, dtype, values),
      executeOp: (op: string, attributes: readonly OpAttribute[], inputs: readonly number[], outputs: number) => this.executeOp(op, attributes, inputs, outputs),
      tensorDataSync: () => {
        throw new Error('a value is read inside a captured function');
      },
    };
    // Over an empty object: the binding's own properties are read-only, and a proxy may not answer otherwise for those.
    return new Proxy({} as Binding, {
      get: (_, key) => {
        const override = overrides[key as keyof Binding];
        if (override !== undefined) return override;
        const value: unknown = Reflect.get(this.binding, key);
        return typeof value === 'function' ? (value as () => unknown).bind(this.binding) : value;
      },
    });
  }

  constant(dtype: number, shape: readonly number[], values: Values): string {
    const fill = this.uniform(dtype, shape, values);
    if (fill !== undefined) return fill;
    const bytes = Buffer.from(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength));
    const key = bytes.length <= 1024 ? `${dtype}|${shape.join()}|${bytes.toString('base64')}` : undefined;
    const shared = key === undefined ? undefined : this.constants.get(key);
    if (shared !== undefined) return shared;
    const source = `${this.add(constantNode(this.name('constant'), dtype, shape, bytes))}:0`;
    if (key !== undefined) this.constants.set(key, source);
    return source;
  }

  private uniform(dtype: number, shape: readonly number[], values: Values): string | undefined {
    if (values.length <= FILL_ABOVE || dtype === this.binding.TF_INT64 || values.some((value) => !Object.is(value, values[0]))) return undefined;
    const dims = this.constant(this.binding.TF_INT32, [shape.length], Int32Array.from(shape));
    const value = this.constant(dtype, [], values.slice(0, 1));
    return `${this.add({ name: this.name('fill'), op: 'Fill', input: [dims, value], attr: { T: { type: dtype }, index_type: { type: this.binding.TF_INT32 } } })}:0`;
  }

  private createTensor(shape: readonly number[], dtype: number, values: Values | readonly number[]): number {
    const id = this.binding.createTensor(shape, dtype, values);
    this.declare(id, dtype, () => this.constant(dtype, shape, typed(this.binding, dtype, values)));
    return id;
  }

  private executeOp(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], count: number): TensorMetadata[] {
    const outputs = this.binding.executeOp(op, attributes, inputs, count);
    const input = inputs.map((id) => this.sourceOf(id, op));
    const attr = Object.fromEntries(attributes.map((attribute) => [attribute.name, toMessage(this.binding, attribute)]));
    const replica = currentReplica();
    const name = this.add({ name: this.name(op), op, input, attr: { ...this.inferred(op, inputs), ...attr }, ...(replica === undefined ? {} : { replica }) });
    outputs.forEach(({ id, dtype }, index) => {
      this.sources.set(id, `${name}:${index}`);
      this.types.set(id, dtype);
    });
    return outputs;
  }

  private inferred(op: string, inputs: readonly number[]): Record<string, Attribute> {
    return Object.fromEntries(Object.entries(INFERRED[op] ?? {}).map(([attribute, index]) => [attribute, { type: this.types.get(inputs[index] ?? -1) ?? this.binding.TF_FLOAT }]));
  }
}

function typed(binding: Binding, dtype: number, values: Values | readonly number[]): Values {
  if (ArrayBuffer.isView(values)) return values;
  if (dtype === binding.TF_FLOAT) return Float32Array.from(values);
  return dtype === binding.TF_BOOL ? Uint8Array.from(values) : Int32Array.from(values);
}

function toMessage(binding: Binding, { name, type, value }: OpAttribute): Attribute {
  if (type === binding.TF_ATTR_STRING && typeof value === 'string') return { s: Buffer.from(value) };
  if (type === binding.TF_ATTR_BOOL && typeof value === 'boolean') return { b: value };
  if (type === binding.TF_ATTR_SHAPE && Array.isArray(value)) return { shape: shapeMessage(value as number[]) };
  const many = Array.isArray(value) ? (value as number[]) : undefined;
  if (many === undefined && typeof value !== 'number') throw new Error(`attribute ${name}: a ${typeof value} of type ${type} cannot be recorded`);
  if (type === binding.TF_ATTR_INT) return many === undefined ? { i: value as number } : { list: { i: many } };
  if (type === binding.TF_ATTR_FLOAT) return many === undefined ? { f: value as number } : { list: { f: many } };
  if (type === binding.TF_ATTR_TYPE) return many === undefined ? { type: value as number } : { list: { type: many } };
  throw new Error(`attribute ${name}: type ${type} cannot be recorded`);
}
