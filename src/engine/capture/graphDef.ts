/**
 * TensorFlow's GraphDef and SavedModel messages, as far as capture writes them.
 * Field numbers are TensorFlow's (graph.proto, node_def.proto, attr_value.proto, tensor.proto, meta_graph.proto, saved_model.proto).
 */
import protobuf from 'protobufjs';

const PROTO = `syntax = "proto3";
message Dimension { int64 size = 1; }
message Shape { repeated Dimension dim = 2; }
message Tensor { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; }
message List {
  repeated bytes s = 2; repeated int64 i = 3 [packed = true]; repeated float f = 4 [packed = true];
  repeated bool b = 5 [packed = true]; repeated int32 type = 6 [packed = true];
}
message Attribute {
  oneof value { List list = 1; bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6; Shape shape = 7; Tensor tensor = 8; }
}
message Node { string name = 1; string op = 2; repeated string input = 3; string device = 4; map<string, Attribute> attr = 5; }
message Versions { int32 producer = 1; int32 min_consumer = 2; }
message Graph { repeated Node node = 1; Versions versions = 4; }
message MetaInfo { repeated string tags = 4; }
message MetaGraph { MetaInfo meta_info_def = 1; Graph graph_def = 2; }
message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraph meta_graphs = 2; }`;

/** DataType numbers of types.proto. */
export const DT = { float: 1, int32: 3, int64: 9, bool: 10, bfloat16: 14 } as const;

export interface Attribute {
  readonly s?: Uint8Array;
  readonly i?: number;
  readonly f?: number;
  readonly b?: boolean;
  readonly type?: number;
  readonly shape?: ShapeMessage;
  readonly tensor?: { readonly dtype: number; readonly tensor_shape: ShapeMessage; readonly tensor_content: Uint8Array };
  readonly list?: { readonly i?: readonly number[]; readonly f?: readonly number[]; readonly type?: readonly number[] };
}

export interface ShapeMessage {
  readonly dim: readonly { readonly size: number }[];
}

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** `node:output`, or `^node` for order alone. */
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, Attribute>>;
  /** TensorFlow's name of where it runs; left out: where TensorFlow puts it. */
  readonly device?: string;
  /** The part of the batch that it was recorded for; never written. */
  readonly replica?: number;
  /** What it puts out, where the recorder knows; not written to the file. */
  readonly outputs?: readonly { readonly shape: readonly number[]; readonly dtype: number }[];
}

export interface Graph {
  /** Each after its inputs. */
  readonly nodes: readonly GraphNode[];
  /** Names of nodes that are fetched, fed or run for their effect: they stay, under their names. */
  readonly roots: ReadonlySet<string>;
}

export function shapeMessage(shape: readonly number[]): ShapeMessage {
  return { dim: shape.map((size) => ({ size })) };
}

export function constantNode(name: string, dtype: number, shape: readonly number[], bytes: Uint8Array): GraphNode {
  return { name, op: 'Const', attr: { dtype: { type: dtype }, value: { tensor: { dtype, tensor_shape: shapeMessage(shape), tensor_content: bytes } } } };
}

let savedModelType: protobuf.Type | undefined;

/** The bytes of `saved_model.pb` for one graph, tagged `serve`. */
export function encodeSavedModel(nodes: readonly GraphNode[]): Uint8Array {
  savedModelType ??= protobuf.parse(PROTO, { keepCase: true }).root.lookupType('SavedModel');
  // Producer 1882 is TensorFlow 2.16's graph version: newer libraries read it, and all ops used here are older.
  const graph = { node: nodes.map(({ name, op, input, attr, device }) => ({ name, op, input, attr, device })), versions: { producer: 1882, min_consumer: 0 } };
  return savedModelType.encode(savedModelType.fromObject({ saved_model_schema_version: 1, meta_graphs: [{ meta_info_def: { tags: ['serve'] }, graph_def: graph }] })).finish();
}
