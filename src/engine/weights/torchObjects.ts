/**
 * What a PyTorch checkpoint may name: the allow-list of the unpickler.
 *
 * `BUILDERS` make tensors and containers, by code here, not there. `INERT` are well-known classes and functions of numpy,
 * MMEngine and Python's library that hold settings, logs and times: calling one gives an empty `Opaque`, whatever the
 * arguments, and what is put into it is forgotten. Everything else is refused by name.
 */
import { type Dtype } from './dtypes.ts';
import { type Budget, type PickleHost } from './pickle.ts';
import { GlobalRef, Opaque, PickleDict, PickleError } from './pickleValues.ts';

/** A storage's place in the file; its bytes are read when a tensor is wanted. */
export class StorageRef {
  readonly key: string;
  /** Undefined if the type cannot be held here (complex, quantized, float8). */
  readonly dtype: Dtype | 'bytes' | undefined;
  readonly typeName: string;
  /** Items, or bytes of an untyped storage. */
  readonly count: number;

  constructor(key: string, typeName: string, count: number) {
    this.key = key;
    this.typeName = typeName;
    this.dtype = STORAGE_TYPES.get(typeName);
    this.count = count;
  }
}

/** A view into a storage, as the pickle describes it: offset and strides in items. */
export class TensorRef {
  readonly storage: StorageRef;
  readonly dtype: Dtype | undefined;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: StorageRef, dtype: Dtype | undefined, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const STORAGE_TYPES: ReadonlyMap<string, Dtype | 'bytes'> = new Map<string, Dtype | 'bytes'>([
  ['torch.DoubleStorage', 'f64'], ['torch.FloatStorage', 'f32'], ['torch.HalfStorage', 'f16'], ['torch.BFloat16Storage', 'bf16'],
  ['torch.LongStorage', 'i64'], ['torch.IntStorage', 'i32'], ['torch.ShortStorage', 'i16'], ['torch.CharStorage', 'i8'],
  ['torch.ByteStorage', 'u8'], ['torch.BoolStorage', 'bool'], ['torch.UntypedStorage', 'bytes'], ['torch.storage.UntypedStorage', 'bytes'],
]);

const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ['torch.float64', 'f64'], ['torch.float32', 'f32'], ['torch.float16', 'f16'], ['torch.bfloat16', 'bf16'], ['torch.int64', 'i64'], ['torch.uint64', 'u64'],
  ['torch.int32', 'i32'], ['torch.uint32', 'u32'], ['torch.int16', 'i16'], ['torch.uint16', 'u16'], ['torch.int8', 'i8'], ['torch.uint8', 'u8'], ['torch.bool', 'bool'],
]);

type Builder = (args: readonly unknown[], host: PickleHost, budget: Budget) => unknown;

const BUILDERS: ReadonlyMap<string, Builder> = new Map<string, Builder>([
  ['torch._utils._rebuild_tensor', tensor],
  ['torch._utils._rebuild_tensor_v2', tensor],
  ['torch._utils._rebuild_tensor_v3', typedTensor],
  ['torch._utils._rebuild_parameter', ([data]) => data],
  ['torch._utils._rebuild_parameter_with_state', ([data]) => data],
  ['torch._tensor._rebuild_from_type_v2', rebuiltFromType],
  ['torch.Size', ([sizes]) => sizes ?? []],
  ['collections.OrderedDict', dictionary],
  ['builtins.dict', dictionary],
  ['builtins.list', ([items], _, budget) => copyOf(items, budget)],
  ['builtins.tuple', ([items], _, budget) => copyOf(items, budget)],
]);

const NUMPY_CORES = ['numpy.core.multiarray', 'numpy._core.multiarray'];
const NUMPY_SCALARS = ['bool_', 'bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float16', 'float32', 'float64'];

const INERT: ReadonlySet<string> = new Set([
  ...NUMPY_CORES.flatMap((module) => [`${module}.scalar`, `${module}._reconstruct`]),
  'numpy._core.numeric._frombuffer', 'numpy.core.numeric._frombuffer', 'numpy.dtype', 'numpy.ndarray',
  ...NUMPY_SCALARS.flatMap((name) => [`numpy.${name}`, `numpy.dtypes.${name}`]),
  'numpy.dtypes.Float32DType', 'numpy.dtypes.Float64DType', 'numpy.dtypes.Int64DType', 'numpy.dtypes.Int32DType', 'numpy.dtypes.BoolDType',
  'torch.device', 'torch.Generator',
  'mmengine.logging.history_buffer.HistoryBuffer', 'mmengine.logging.HistoryBuffer',
  'mmengine.config.config.ConfigDict', 'mmengine.config.ConfigDict', 'mmengine.config.config.Config', 'mmengine.config.Config',
  'mmcv.utils.config.ConfigDict', 'mmcv.utils.config.Config', 'mmcv.utils.ConfigDict', 'addict.addict.Dict', 'addict.Dict',
  'builtins.set', 'builtins.frozenset', 'builtins.int', 'builtins.float', 'builtins.bool', 'builtins.str', 'builtins.bytes', 'builtins.bytearray',
  'builtins.complex', 'builtins.slice', 'builtins.range', 'builtins.object',
  '_codecs.encode', 'collections.defaultdict', 'collections.Counter', 'collections.deque',
  'datetime.datetime', 'datetime.date', 'datetime.time', 'datetime.timedelta', 'datetime.timezone', 'decimal.Decimal', 'fractions.Fraction', 'uuid.UUID',
  'pathlib.Path', 'pathlib.PosixPath', 'pathlib.WindowsPath', 'pathlib.PurePosixPath', 'pathlib.PureWindowsPath', 'pathlib._local.PosixPath', 'pathlib._local.WindowsPath',
  'argparse.Namespace', 'types.SimpleNamespace', 'copyreg._reconstructor',
]);

/** What happens with names that are not on the list, and with storages: depends on the file's format. */
export interface TorchHostOptions {
  readonly forbid: (name: string) => never;
  readonly storage: (id: readonly unknown[]) => StorageRef;
}

export function torchHost({ forbid, storage }: TorchHostOptions): PickleHost {
  const host: PickleHost = {
    refuse: forbid,
    call(global, args, budget) {
      const name = withoutPython2(global.name);
      const builder = BUILDERS.get(name);
      if (builder !== undefined) return builder(args, host, budget);
      // This one makes an object of the class that it is given: that class must be on the list as well.
      if (name === 'copyreg._reconstructor') checkClass(args[0], '', forbid);
      // MMEngine's HistoryBuffer names its own methods this way; the result cannot be called.
      if (name === 'builtins.getattr') {
        checkClass(args[0], `.${String(args[1])}`, forbid);
        return new Opaque(name);
      }
      if (INERT.has(name)) return new Opaque(name);
      return forbid(global.name);
    },
    persistent(id) {
      if (!Array.isArray(id) || id[0] !== 'storage') throw new PickleError('a reference to something that is no storage');
      return storage(id);
    },
  };
  return host;
}

function withoutPython2(name: string): string {
  return name.replace(/^__builtin__\./, 'builtins.').replace(/^copy_reg\./, 'copyreg.');
}

function checkClass(type: unknown, attribute: string, forbid: (name: string) => never): void {
  if (!(type instanceof GlobalRef)) throw new PickleError('a class that is no name');
  if (!INERT.has(withoutPython2(type.name))) forbid(type.name + attribute);
}

/** _rebuild_tensor_v2(storage, offset, size, stride, …). */
function tensor([storage, offset, shape, strides]: readonly unknown[]): TensorRef {
  if (!(storage instanceof StorageRef)) throw new PickleError('a tensor without storage');
  if (storage.dtype === 'bytes') throw new PickleError('a tensor without type');
  return new TensorRef(storage, storage.dtype, count(offset), counts(shape), counts(strides));
}

/** _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, …): untyped storage. */
function typedTensor([storage, offset, shape, strides, , , type]: readonly unknown[]): TensorRef {
  if (!(storage instanceof StorageRef) || !(type instanceof GlobalRef)) throw new PickleError('a tensor without storage or type');
  return new TensorRef(storage, DTYPES.get(type.name), count(offset), counts(shape), counts(strides));
}

/** _rebuild_from_type_v2(function, type, arguments, state): a tensor that carries Python attributes. */
function rebuiltFromType([callee, , args]: readonly unknown[], host: PickleHost, budget: Budget): unknown {
  if (!(callee instanceof GlobalRef) || !Array.isArray(args)) throw new PickleError('a tensor without a way to make it');
  return host.call(callee, args, budget);
}

function dictionary([pairs]: readonly unknown[], _: PickleHost, budget: Budget): PickleDict {
  const dict = new PickleDict();
  if (pairs instanceof PickleDict) {
    budget.spend(pairs.entries.size);
    for (const [key, value] of pairs.entries) dict.entries.set(key, value);
  } else {
    for (const pair of copyOf(pairs, budget)) {
      if (!Array.isArray(pair) || pair.length !== 2) throw new PickleError('a dictionary made of something else than pairs');
      dict.entries.set(pair[0], pair[1]);
    }
  }
  return dict;
}

function copyOf(items: unknown, budget: Budget): unknown[] {
  if (items === undefined || items instanceof Opaque) return [];
  if (!Array.isArray(items)) throw new PickleError('a list made of something else');
  budget.spend(items.length);
  return items.slice();
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new PickleError('a size that is no whole number');
  return value;
}

function counts(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > 64) throw new PickleError('a shape that is no list of sizes');
  return value.map(count);
}

/** `('storage', torch.FloatStorage, key, device, items)`. */
export function storageOf([, type, key, , items]: readonly unknown[]): StorageRef {
  if (!(type instanceof GlobalRef) || typeof key !== 'string') throw new PickleError('a storage without type or key');
  return new StorageRef(key, type.name, count(items));
}
