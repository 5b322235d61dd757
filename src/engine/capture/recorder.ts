/**
 * Records what a function does: stands in for the native binding while the function runs once, and writes a graph node
 * for every op that it asks for. Tensors are followed by their ids. Nothing is computed: shapes and types are enough, and what
 * shapes alone do not tell (few, small ops) is run on zeros, so a recording takes neither the time nor the memory of a step.
 */
import { currentReplica } from '../replica.ts';
import { constantNode, DT, shapeMessage, type Attribute, type GraphNode } from './graphDef.ts';
import { type Binding, type OpAttribute, type TensorMetadata, type Values } from './binding.ts';
import { inferOutputs, type Known } from './shapes.ts';

/**
 * Ops whose kernels leave type attributes to eager execution, which infers them; a graph does not.
 * Attribute → the input whose type it is.
 */
const INFERRED: Readonly<Record<string, Readonly<Record<string, number>>>> = { ExpandDims: { T: 0, Tdim: 1 } };

/** Uniform constants above this many values are written as a Fill node: the graph would grow by megabytes otherwise. */
const FILL_ABOVE = 64;

/** Ids of tensors that are shapes alone lie above all that TensorFlow's addon counts up to. */
const FIRST_ID = 2 ** 40;

/** Results of run ops up to this size keep their values: a shape may be made of them. */
const SMALL = 64;

export class Recorder {
  readonly nodes: GraphNode[] = [];
  /** Tensor id → `node:output`. */
  private readonly sources = new Map<number, string>();
  /** Small constants are shared: type, shape and bytes → node. */
  private readonly constants = new Map<string, string>();
  private readonly lateSources = new Map<number, () => string>();
  private readonly known = new Map<number, Known>();
  private readonly binding: Binding;
  private readonly prefix: string;
  private counter = 0;
  private nextId = FIRST_ID;

  /** @param prefix of every node's name, ends with `/`. */
  constructor(binding: Binding, prefix: string) {
    this.binding = binding;
    this.prefix = prefix;
  }

  /** Says where a tensor that exists already comes from; the node is made only when something uses it. */
  declare(id: number, tensor: Known, source: () => string): void {
    this.known.set(id, tensor);
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
      deleteTensor: (id: number) => { this.deleteTensor(id); },
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
    const source = `${this.add({ ...constantNode(this.name('constant'), dtype, shape, bytes), outputs: [{ shape, dtype }] })}:0`;
    if (key !== undefined) this.constants.set(key, source);
    return source;
  }

  private uniform(dtype: number, shape: readonly number[], values: Values): string | undefined {
    if (values.length <= FILL_ABOVE || dtype === this.binding.TF_INT64 || values.some((value) => !Object.is(value, values[0]))) return undefined;
    const dims = this.constant(this.binding.TF_INT32, [shape.length], Int32Array.from(shape));
    const value = this.constant(dtype, [], values.slice(0, 1));
    return `${this.add({ name: this.name('fill'), op: 'Fill', input: [dims, value], attr: { T: { type: dtype }, index_type: { type: this.binding.TF_INT32 } }, outputs: [{ shape, dtype }] })}:0`;
  }

  private createTensor(shape: readonly number[], dtype: number, values: Values | readonly number[]): number {
    const id = this.newId();
    this.declare(id, { shape, dtype, values }, () => this.constant(dtype, shape, typed(this.binding, dtype, values)));
    return id;
  }

  private deleteTensor(id: number): void {
    if (id < FIRST_ID) {
      this.binding.deleteTensor(id);
      return;
    }
    for (const map of [this.known, this.sources, this.lateSources]) map.delete(id);
  }

  private executeOp(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], count: number): TensorMetadata[] {
    const input = inputs.map((id) => this.sourceOf(id, op));
    const known = inputs.map((id) => this.knownOf(id));
    const given = Object.fromEntries(attributes.map(({ name, value }) => [name, value]));
    const outputs: readonly Known[] = inferOutputs(op, known, given, count) ?? this.tryOut(op, attributes, known, count);
    const attr = Object.fromEntries(attributes.map((attribute) => [attribute.name, toMessage(this.binding, attribute)]));
    const replica = currentReplica();
    const name = this.add({
      name: this.name(op), op, input, attr: { ...inferred(op, known), ...attr }, outputs: outputs.map(({ shape, dtype }) => ({ shape, dtype })), ...(replica === undefined ? {} : { replica }),
    });
    return outputs.map((output, index) => {
      const id = this.newId();
      this.known.set(id, output);
      this.sources.set(id, `${name}:${index}`);
      return { id, shape: output.shape, dtype: output.dtype };
    });
  }

  /** Runs an op for what it puts out: constants as they are, zeros for all else. */
  private tryOut(op: string, attributes: readonly OpAttribute[], inputs: readonly Known[], count: number): Known[] {
    const ids: number[] = [];
    try {
      for (const { shape, dtype, values } of inputs) ids.push(this.binding.createTensor(shape, dtype, values === undefined ? zeros(this.binding, dtype, sizeOf(shape)) : typed(this.binding, dtype, values)));
      const outputs = this.binding.executeOp(op, attributes, ids, count);
      ids.push(...outputs.map(({ id }) => id));
      const constant = inputs.every(({ values }) => values !== undefined);
      return outputs.map(({ id, shape, dtype }) => ({ shape, dtype, values: constant && sizeOf(shape) <= SMALL ? this.binding.tensorDataSync(id) : undefined }));
    } finally {
      for (const id of ids) this.binding.deleteTensor(id);
    }
  }

  private newId(): number {
    this.nextId += 1;
    return this.nextId;
  }

  private knownOf(id: number): Known {
    const known = this.known.get(id);
    if (known === undefined) throw new Error('a tensor that the recorder does not know');
    return known;
  }
}

function inferred(op: string, inputs: readonly Known[]): Record<string, Attribute> {
  return Object.fromEntries(Object.entries(INFERRED[op] ?? {}).map(([attribute, index]) => [attribute, { type: inputs[index]?.dtype ?? DT.float }]));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function zeros(binding: Binding, dtype: number, size: number): Values {
  if (dtype === binding.TF_FLOAT) return new Float32Array(size);
  return dtype === binding.TF_BOOL ? new Uint8Array(size) : new Int32Array(size);
}

function typed(binding: Binding, dtype: number, values: ArrayLike<number>): Values {
  if (values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array) return values;
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
