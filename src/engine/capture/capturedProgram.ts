/**
 * A program as one TensorFlow graph: every function is run once under the recorder, all are written into one SavedModel,
 * and tfjs-node's own session replays them. Weights are resource variables of the session, shared by the functions.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { DistillError } from '../../errors.ts';
import { float32, int32, type HostTensor, type HostTensors } from '../hostTensor.ts';
import { checkInputs } from '../inputs.ts';
import { type FunctionSpec, type Program } from '../program.ts';
import { isFused, type Update } from '../updates.ts';
import { Adoption } from './adopted.ts';
import { nativeId, nodeBackend, type Binding, type TensorMetadata } from './binding.ts';
import { encodeSavedModel, shapeMessage, type GraphNode } from './graphDef.ts';
import { asProducts } from './passes/convolutions.ts';
import { producer } from './passes/graph.ts';
import { rewritten } from './passes/index.ts';
import { mixedPrecision } from './passes/mixedPrecision.ts';
import { placeReplicas } from './passes/placement.ts';
import { Recorder } from './recorder.ts';

interface RecordedFunction {
  readonly example: HostTensors;
  /** Names of the inputs that the graph uses; the others cannot be fed, for nothing reads them. */
  readonly used: readonly string[];
  /** Fetched tensors, in the order of `outputNames`. */
  readonly fetches: string;
  readonly outputNames: readonly string[];
}

export interface CaptureOptions {
  /** TensorFlow's name of the GPU of each part of the batch. */
  readonly devices: readonly string[];
  /** The engine has our own ops, and runs on a CPU. */
  readonly fastConvolutions: boolean;
}

export function captureProgram(variables: readonly tf.Variable[], functions: Readonly<Record<string, FunctionSpec>>, { devices, fastConvolutions }: CaptureOptions): Program {
  const binding = nodeBackend().binding;
  checkDistinct(variables);
  const names = new Map(variables.map((variable, index) => [variable, `variable_${index}`]));
  const nodes: GraphNode[] = variables.flatMap((variable, index) => variableNodes(binding, variable, `variable_${index}`));
  const recorded: Record<string, RecordedFunction> = {};
  for (const [name, spec] of Object.entries(functions)) {
    const { nodes: made, ...result } = record(binding, name, spec, names);
    const mixed = spec.precision === 'mixed' ? mixedPrecision(made) : made;
    nodes.push(...(devices.length === 0 ? mixed : placeReplicas(devices)(mixed)));
    recorded[name] = result;
  }
  const graph = rewritten({ nodes, roots: rootsOf(names.values(), recorded) });
  const left = new Set(graph.nodes.map(({ name }) => name));
  // An input that only unused nodes read cannot be fed.
  const fed = Object.fromEntries(Object.entries(recorded).map(([name, item]) => [name, { ...item, used: item.used.filter((key) => left.has(`${name}/input/${key}`)) }]));
  const program = new CapturedProgram(binding, loadSession(binding, fastConvolutions ? asProducts(graph.roots)(graph.nodes) : graph.nodes), names, fed);
  program.adopt(variables);
  return program;
}

function rootsOf(handles: Iterable<string>, functions: Readonly<Record<string, RecordedFunction>>): Set<string> {
  const variables = [...handles].flatMap((handle) => [`${handle}/value`, `${handle}/done`]);
  return new Set([...variables, ...Object.values(functions).flatMap(({ fetches }) => fetches.split(',').filter((fetch) => fetch !== '').map(producer))]);
}

/** Variables are told apart by their native tensors: two that share one (by `assign` of each other) would become one weight. */
function checkDistinct(variables: readonly tf.Variable[]): void {
  const seen = new Set<number>();
  for (const variable of variables) {
    const id = nativeId(variable);
    if (seen.has(id)) throw new Error(`variable ${variable.name} [${variable.shape.join(', ')}] shares its data with another or is listed twice`);
    seen.add(id);
  }
}

/** The resource, and a placeholder that its value can be set from. */
function variableNodes(binding: Binding, variable: tf.Variable, name: string): GraphNode[] {
  const dtype = { type: binding.TF_FLOAT };
  const shape = { shape: shapeMessage(variable.shape) };
  return [
    { name, op: 'VarHandleOp', attr: { dtype, shape, shared_name: { s: Buffer.from(name) } } },
    { name: `${name}/value`, op: 'ReadVariableOp', input: [name], attr: { dtype } },
    { name: `${name}/new`, op: 'Placeholder', attr: { dtype, shape } },
    { name: `${name}/set`, op: 'AssignVariableOp', input: [name, `${name}/new`], attr: { dtype } },
    { name: `${name}/done`, op: 'Identity', input: [`${name}/new`, `^${name}/set`], attr: { T: dtype } },
  ];
}

function record(binding: Binding, name: string, spec: FunctionSpec, variables: ReadonlyMap<tf.Variable, string>): RecordedFunction & { nodes: readonly GraphNode[] } {
  const recorder = new Recorder(binding, `${name}/`);
  const used: string[] = [];
  const reads: string[] = [];
  const fetches: string[] = [];
  const outputNames: string[] = [];
  const backend = nodeBackend();
  // Around the tidy: what it disposes of is the recorder's.
  backend.binding = recorder.proxy();
  const run = (): void => {
    const inputs = Object.fromEntries(Object.entries(spec.example).map(([key, value]) => [key, tf.tensor(value.data, [...value.shape], value.dtype)]));
    for (const [key, tensor] of Object.entries(inputs)) {
      const dtype = tensor.dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT;
      recorder.declare(nativeId(tensor), { shape: tensor.shape, dtype }, () => {
        used.push(key);
        return `${recorder.add({ name: `${name}/input/${key}`, op: 'Placeholder', attr: { dtype: { type: dtype }, shape: { shape: shapeMessage(tensor.shape) } }, outputs: [{ shape: tensor.shape, dtype }] })}:0`;
      });
    }
    for (const [variable, handle] of variables) {
      recorder.declare(nativeId(variable), { shape: variable.shape, dtype: binding.TF_FLOAT }, () => {
        reads.push(`${name}/read/${handle}`);
        return `${recorder.add({ name: `${name}/read/${handle}`, op: 'ReadVariableOp', input: [handle], attr: { dtype: { type: binding.TF_FLOAT } }, outputs: [{ shape: variable.shape, dtype: binding.TF_FLOAT }] })}:0`;
      });
    }
    const { outputs, updates = [] } = spec.run(inputs);
    for (const [key, tensor] of Object.entries(outputs)) {
      const T = { type: tensor.dtype === 'float32' ? binding.TF_FLOAT : binding.TF_INT32 };
      const source = recorder.sourceOf(nativeId(tensor.dtype === 'bool' ? tf.cast(tensor, 'int32') : tensor), 'output');
      fetches.push(`${recorder.add({ name: `${name}/output/${key}`, op: 'Identity', input: [source], attr: { T } })}:0`);
      outputNames.push(key);
    }
    const done = addUpdates(recorder, binding, `${name}/`, updates, variables, reads);
    if (done !== undefined) fetches.push(done);
    disposeKept(outputs, updates);
  };
  try {
    tf.tidy(run);
  } finally {
    backend.binding = binding;
  }
  return { nodes: recorder.nodes, example: spec.example, used, fetches: fetches.join(','), outputNames };
}

/** Lets go of what the function kept beyond a gradient's own scope. */
function disposeKept(outputs: Readonly<Record<string, tf.Tensor>>, updates: readonly Update[]): void {
  for (const tensor of Object.values(outputs)) tensor.dispose();
  for (const update of updates) if (!isFused(update)) update[1].dispose();
}

type PlannedUpdate = Pick<GraphNode, 'op' | 'name'> & { readonly input: readonly string[]; readonly attr: NonNullable<GraphNode['attr']> };

/** Updates run after every read of the function; the returned tensor exists when all of them have run. */
function addUpdates(recorder: Recorder, binding: Binding, prefix: string, updates: readonly Update[], variables: ReadonlyMap<tf.Variable, string>, reads: readonly string[]): string | undefined {
  if (updates.length === 0) return undefined;
  const dtype = { type: binding.TF_FLOAT };
  const handleOf = (variable: tf.Variable): string => {
    const handle = variables.get(variable);
    if (handle === undefined) throw new Error(`an update of a variable that the program was not given: ${variable.name}`);
    return handle;
  };
  const plan = (op: string, resources: readonly tf.Variable[], inputs: readonly tf.Tensor[], attr: NonNullable<GraphNode['attr']>): PlannedUpdate =>
    ({ op, name: recorder.name('update'), input: [...resources.map(handleOf), ...inputs.map((tensor) => recorder.sourceOf(nativeId(tensor), op))], attr });
  // All sources before the barrier: finding them may add further reads.
  const chains = updates.map((update) => isFused(update)
    ? update.kernels.map(({ op, resources, inputs }) => plan(op, resources, inputs, { T: dtype }))
    : [plan('AssignVariableOp', [update[0]], [update[1]], { dtype })]);
  const barrier = recorder.add({ name: `${prefix}reads_done`, op: 'NoOp', input: reads.map((read) => `^${read}`) });
  const assigned = chains.map((chain) => chain.reduce((before, node) => recorder.add({ ...node, input: [...node.input, `^${before}`] }), barrier));
  const one = recorder.constant(binding.TF_FLOAT, [], new Float32Array([1]));
  return `${recorder.add({ name: `${prefix}done`, op: 'Identity', input: [one, ...assigned.map((update) => `^${update}`)], attr: { T: dtype } })}:0`;
}

function loadSession(binding: Binding, nodes: readonly GraphNode[]): number {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'distill-lab-graph-'));
    writeFileSync(join(folder, 'saved_model.pb'), encodeSavedModel(nodes));
    return binding.loadSavedModel(folder, 'serve');
  } catch (cause) {
    throw new DistillError('DL220', `The captured step could not be loaded by TensorFlow: ${cause instanceof Error ? cause.message : String(cause)}`, {
      advice: 'Check the free space of the temporary folder, or set engine.capture: false to run op by op.', cause,
    });
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

class CapturedProgram implements Program {
  readonly captured = true;
  private readonly binding: Binding;
  private readonly session: number;
  private readonly names: ReadonlyMap<tf.Variable, string>;
  private readonly functions: Readonly<Record<string, RecordedFunction>>;
  private adoption: Adoption | undefined;

  constructor(binding: Binding, session: number, names: ReadonlyMap<tf.Variable, string>, functions: Readonly<Record<string, RecordedFunction>>) {
    this.binding = binding;
    this.session = session;
    this.names = names;
    this.functions = functions;
  }

  run(name: string, inputs: HostTensors): Record<string, HostTensor> {
    const recorded = this.functions[name];
    if (recorded === undefined) throw new Error(`the program has no function ${name}`);
    checkInputs(name, recorded.example, inputs, (key) => recorded.used.includes(key));
    const fed = recorded.used.map((key) => [`${name}/input/${key}:0`, inputs[key]] as const);
    const results = this.fetch(fed, recorded.fetches);
    // The last fetch of a function with updates only says that they are done.
    return Object.fromEntries(recorded.outputNames.map((key, index) => [key, results[index] as HostTensor]));
  }

  read(variables: readonly tf.Variable[]): Float32Array[] {
    if (variables.length === 0) return [];
    const results = this.fetch([], variables.map((variable) => `${this.nameOf(variable)}/value:0`).join(','));
    return results.map(({ data }) => data as Float32Array);
  }

  write(values: readonly (readonly [tf.Variable, Float32Array])[]): void {
    if (values.length === 0) return;
    const fed = values.map(([variable, data]) => [`${this.nameOf(variable)}/new:0`, float32(variable.shape, data)] as const);
    // Fetching `done` runs the assignment; its value is thrown away.
    this.fetch(fed, values.map(([variable]) => `${this.nameOf(variable)}/done:0`).join(','), false);
  }

  /** Takes the variables' values as they are: TensorFlow's own tensors become the session's, and nothing is copied. */
  adopt(variables: readonly tf.Variable[]): void {
    const names = variables.map((variable) => this.nameOf(variable));
    const outputs = variables.length === 0 ? [] : this.binding.runSavedModel(this.session, variables.map(nativeId), names.map((name) => `${name}/new:0`).join(','), names.map((name) => `${name}/done:0`).join(','));
    for (const { id } of outputs) this.binding.deleteTensor(id);
    this.adoption = new Adoption(variables, (some) => this.read(some));
  }

  dispose(): void {
    this.adoption?.end();
    this.binding.deleteSavedModel(this.session);
  }

  private nameOf(variable: tf.Variable): string {
    const name = this.names.get(variable);
    if (name === undefined) throw new Error(`${variable.name} is not a variable of this program`);
    return name;
  }

  private fetch(fed: readonly (readonly [string, HostTensor | undefined])[], fetches: string, values = true): HostTensor[] {
    const ids: number[] = [];
    let outputs: TensorMetadata[] = [];
    try {
      for (const [, tensor] of fed) {
        if (tensor === undefined) throw new Error('an input is missing');
        ids.push(this.binding.createTensor(tensor.shape, tensor.dtype === 'int32' ? this.binding.TF_INT32 : this.binding.TF_FLOAT, tensor.data));
      }
      outputs = this.binding.runSavedModel(this.session, ids, fed.map(([name]) => name).join(','), fetches);
      return values ? outputs.map((output) => this.toHost(output)) : [];
    } finally {
      for (const id of ids) this.binding.deleteTensor(id);
      for (const { id } of outputs) this.binding.deleteTensor(id);
    }
  }

  private toHost({ id, shape, dtype }: TensorMetadata): HostTensor {
    const data = this.binding.tensorDataSync(id);
    return dtype === this.binding.TF_FLOAT ? float32(shape, data as Float32Array) : int32(shape, data instanceof Int32Array ? data : Int32Array.from(data));
  }
}
