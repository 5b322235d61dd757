import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DistillError } from '../../../src/errors.ts';
import { type StateDict } from '../../../src/engine/weights/stateDict.ts';
import { readWeightFile, readWeights } from '../../../src/engine/weights/read.ts';
import { archive, bytes, dictOf, FOUR_FLOATS, global, int, op, pickle, string, tensor, text, tupleOf } from './pickleBuilder.ts';

const fixtures = resolve(import.meta.dirname, '../../../../shared/fixtures');
const haveFixtures = existsSync(join(fixtures, 'state_dict.json'));
if (!haveFixtures) console.warn(`skipped: no weight files in ${fixtures}`);

const folder = mkdtempSync(join(tmpdir(), 'pth-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

function save(content: Uint8Array): string {
  const path = join(folder, 'made.pth');
  writeFileSync(path, content);
  return path;
}

async function errorOf(work: Promise<unknown>): Promise<DistillError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DistillError) return error;
    throw error;
  }
  throw new Error('no error');
}

const valuesSchema = z.record(z.string(), z.object({ shape: z.array(z.number()), dtype: z.string(), data: z.array(z.number()) }));

function expectFixtureValues(read: StateDict): void {
  const expected = valuesSchema.parse(JSON.parse(readFileSync(join(fixtures, 'state_dict.json'), 'utf8')));
  expect([...read.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, dtype, data }] of Object.entries(expected)) {
    expect(read.get(name)?.shape, name).toEqual(shape);
    expect(read.get(name)?.dtype, name).toBe(dtype.includes('float') ? 'float32' : 'int32');
    expect([...(read.get(name)?.data ?? [])], name).toEqual(data.map((value) => Math.fround(value)));
  }
}

describe.skipIf(!haveFixtures)('files that PyTorch wrote', () => {
  it('reads a plain state dict', async () => {
    const read = await readWeightFile(join(fixtures, 'state_dict.pth'));
    expectFixtureValues(read.tensors);
    expect(read).toMatchObject({ format: 'pytorch', from: '', notes: [] });
  });

  it('finds the state dict of a checkpoint and says where', async () => {
    const read = await readWeightFile(join(fixtures, 'mmdet_style.pth'));
    expectFixtureValues(read.tensors);
    expect(read.from).toBe('state_dict');
    expect(read.notes.join()).toContain('"state_dict"');
  });

  it('reads the format from before 1.6', async () => {
    const read = await readWeightFile(join(fixtures, 'legacy_format.pth'));
    expect(read.format).toBe('pytorch-legacy');
    expectFixtureValues(read.tensors);
  });

  it('refuses the hostile one by name, and nothing runs', async () => {
    const trace = '/tmp/pwned';
    const before = existsSync(trace);
    const error = await errorOf(readWeights(join(fixtures, 'malicious.pth')));
    expect(error.code).toBe('DL406');
    expect(error.message).toContain('posix.system');
    expect(existsSync(trace)).toBe(before);
  });

  it.each(['state_dict.pth', 'mmdet_style.pth', 'legacy_format.pth', 'malicious.pth'])('%s cut or changed anywhere gives an error or weights', async (name) => {
    const whole = readFileSync(join(fixtures, name));
    const outcome = async (content: Buffer): Promise<string> => {
      try {
        await readWeights(save(content));
        return 'weights';
      } catch (error) {
        return error instanceof DistillError ? error.code : `something else: ${String(error)}`;
      }
    };
    const outcomes = new Set<string>();
    for (let length = 0; length < whole.length; length += 101) {
      const cut = await outcome(whole.subarray(0, length));
      expect(cut, `cut at ${length}`).toMatch(/^DL4\d\d$/);
    }
    for (let at = 0; at < whole.length; at += 23) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ (1 << at % 8);
      outcomes.add(await outcome(changed));
    }
    for (const one of outcomes) expect(one).toMatch(/^(weights|DL4\d\d)$/);
  });
});

const vector = tensor({ shape: [4], strides: [1] });

describe('tensors', () => {
  const read = async (entries: Record<string, Buffer>, storages?: Record<string, Uint8Array>, level?: 0 | 6) => readWeights(save(archive(pickle(dictOf(entries)), storages, {}, level)));

  it('honours offsets and strides', async () => {
    const tensors = await read({
      transposed: tensor({ shape: [2, 2], strides: [1, 2] }),
      tail: tensor({ shape: [2], strides: [1], offset: 2 }),
      repeated: tensor({ shape: [3, 2], strides: [0, 1] }),
      single: tensor({ shape: [1, 2, 1], strides: [99, 1, 77] }),
      scalar: tensor({ shape: [], strides: [], offset: 3 }),
    });
    const values = Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
    expect(values).toEqual({ transposed: [1, 3, 2, 4], tail: [3, 4], repeated: [1, 2, 1, 2, 1, 2], single: [1, 2], scalar: [4] });
    expect([...tensors.keys()]).toEqual(['transposed', 'tail', 'repeated', 'single', 'scalar']);
  });

  it('unpacks deflated archives', async () => {
    const zeros = new Uint8Array(4000);
    expect((await read({ a: tensor({ items: 1000, shape: [1000], strides: [1] }) }, { 0: zeros }, 6)).get('a')?.data).toEqual(new Float32Array(1000));
  });

  it.each([
    ['a view beyond its storage', tensor({ shape: [5], strides: [1] }), 'DL407'],
    ['an offset beyond its storage', tensor({ shape: [2], strides: [1], offset: 3 }), 'DL407'],
    ['strides beyond its storage', tensor({ shape: [2, 2], strides: [3, 1] }), 'DL407'],
    ['more sizes than strides', tensor({ shape: [2, 2], strides: [1] }), 'DL407'],
    ['a negative stride', tensor({ shape: [2], strides: [-1], offset: 3 }), 'DL407'],
    ['a view that blows up', tensor({ shape: [100000, 100000], strides: [0, 0] }), 'DL409'],
    ['a view of many repeats', tensor({ shape: [2 ** 25], strides: [0] }), 'DL409'],
    ['a storage shorter than announced', tensor({ items: 100, shape: [4], strides: [1] }), 'DL404'],
    ['a storage that is not there', tensor({ storage: '7', shape: [4], strides: [1] }), 'DL404'],
    ['a storage outside the archive\'s folder', tensor({ storage: '../../x', shape: [4], strides: [1] }), 'DL404'],
    ['complex numbers', tensor({ type: 'ComplexFloatStorage', shape: [4], strides: [1] }), 'DL405'],
    ['an integer beyond 32 bits', tensor({ type: 'LongStorage', items: 2, shape: [2], strides: [1] }), 'DL405'],
  ])('refuses %s', async (_, one, code) => {
    expect((await errorOf(read({ one }))).code).toBe(code);
  });

  it('does not mind odd tensors where it does not need them', async () => {
    const optimizer = dictOf({ momentum: tensor({ type: 'ComplexFloatStorage', storage: 'gone', shape: [4], strides: [1] }) });
    expect([...(await read({ state_dict: dictOf({ a: vector }), optimizer })).keys()]).toEqual(['a']);
  });
});

describe('checkpoints', () => {
  const readFile = async (root: Buffer) => readWeightFile(save(archive(pickle(root))));

  it('prefers the likeliest entry and names the others', async () => {
    const file = await readFile(dictOf({ ema: dictOf({ module: dictOf({ e: vector }) }), model: dictOf({ a: vector }), epoch: int(3) }));
    expect(file.from).toBe('model');
    expect(file.notes.join()).toContain('"ema.module"');
  });

  it('goes into nested entries, and drops the wrapper\'s prefix', async () => {
    const file = await readFile(dictOf({ ema: dictOf({ module: dictOf({ 'module.a': vector, 'module.b': vector }) }), decay: tensor({ shape: [], strides: [] }) }));
    expect(file.from).toBe('ema.module');
    expect([...file.tensors.keys()]).toEqual(['a', 'b']);
  });

  it('leaves out what is no tensor and says so', async () => {
    const file = await readFile(dictOf({ a: vector, version: int(2), names: dictOf({}) }));
    expect([...file.tensors.keys()]).toEqual(['a']);
    expect(file.notes.join()).toContain('2 entries');
  });

  it.each([['no dictionary', int(3)], ['an empty dictionary', op.emptyDict], ['no tensors', dictOf({ epoch: int(1) })]])('refuses %s', async (_, root) => {
    expect((await errorOf(readFile(root))).code).toBe('DL408');
  });

  it('takes MMEngine\'s and numpy\'s data in the meta entry for what it is, and runs none of it', async () => {
    const dtype = Buffer.concat([global('numpy', 'dtype'), tupleOf(string('f8'), op.no, op.yes), op.reduce, tupleOf(int(3), string('<')), op.build]);
    const scalar = Buffer.concat([global('numpy.core.multiarray', 'scalar'), tupleOf(dtype, Buffer.concat([text('U'), bytes(8), Buffer.alloc(8)])), op.reduce]);
    const method = Buffer.concat([global('__builtin__', 'getattr'), tupleOf(global('mmengine.logging.history_buffer', 'HistoryBuffer'), string('min')), op.reduce]);
    const history = Buffer.concat([global('mmengine.logging.history_buffer', 'HistoryBuffer'), op.emptyTuple, op.newObject, dictOf({ min: method, last: scalar }), op.build]);
    const config = Buffer.concat([global('mmengine.config.config', 'ConfigDict'), op.emptyTuple, op.newObject, op.mark, string('lr'), scalar, op.setItems, op.emptyDict, op.build]);
    const log = Buffer.concat([global('_codecs', 'encode'), tupleOf(string('x'), string('latin1')), op.reduce]);
    const file = await readFile(dictOf({ meta: dictOf({ history, config, scalar, log, unused: global('some.module', 'function') }), state_dict: dictOf({ a: vector, b: scalar }) }));
    expect([...file.tensors.keys()]).toEqual(['a']);
  });

  it('reads a Parameter, a tensor with attributes, a state dict with metadata', async () => {
    const parameter = Buffer.concat([global('torch._utils', '_rebuild_parameter'), tupleOf(vector, op.yes, op.emptyDict), op.reduce]);
    const typed = Buffer.concat([global('torch._tensor', '_rebuild_from_type_v2'), tupleOf(global('torch._utils', '_rebuild_parameter'), global('torch.nn', 'Parameter'), tupleOf(vector, op.yes, op.none), op.emptyDict), op.reduce]);
    const state = Buffer.concat([global('collections', 'OrderedDict'), op.emptyTuple, op.reduce, op.mark, string('p'), parameter, string('t'), typed, op.setItems, dictOf({ _metadata: op.emptyDict }), op.build]);
    expect([...(await readFile(state)).tensors.keys()]).toEqual(['p', 't']);
  });
});

describe('hostile files', () => {
  const call = (...parts: Buffer[]) => readWeights(save(archive(pickle(dictOf({ a: vector }), text('0'), ...parts))));
  const system = global('posix', 'system');
  const argument = tupleOf(string('touch pwned'));

  it.each([
    ['REDUCE', 'posix.system', Buffer.concat([system, argument, op.reduce])],
    ['NEWOBJ', 'posix.system', Buffer.concat([system, argument, op.newObject])],
    ['NEWOBJ_EX', 'posix.system', Buffer.concat([system, argument, op.emptyDict, bytes(0x92)])],
    ['INST', 'posix.system', Buffer.concat([op.mark, string('x'), text('iposix\nsystem\n')])],
    ['OBJ', 'posix.system', Buffer.concat([op.mark, system, string('x'), text('o')])],
    ['STACK_GLOBAL', 'posix.system', Buffer.concat([string('posix'), string('system'), bytes(0x93), argument, op.reduce])],
    ['BUILD', 'builtins.object', Buffer.concat([global('builtins', 'object'), op.emptyDict, op.build])],
    ['getattr', 'os.system', Buffer.concat([global('builtins', 'getattr'), tupleOf(global('os', 'system'), string('__call__')), op.reduce])],
    ['what getattr gave', 'builtins.getattr', Buffer.concat([global('builtins', 'getattr'), tupleOf(global('numpy', 'dtype'), string('x')), op.reduce, argument, op.reduce])],
    ['eval', '__builtin__.eval', Buffer.concat([global('__builtin__', 'eval'), argument, op.reduce])],
    ['a dotted name', 'builtins.dict.fromkeys', Buffer.concat([global('builtins', 'dict.fromkeys'), argument, op.reduce])],
    ['copyreg', 'subprocess.Popen', Buffer.concat([global('copy_reg', '_reconstructor'), tupleOf(global('subprocess', 'Popen'), global('builtins', 'object'), op.none), op.reduce])],
    ['a function inside a tensor', 'posix.system', Buffer.concat([global('torch._tensor', '_rebuild_from_type_v2'), tupleOf(system, global('torch', 'Tensor'), argument, op.none), op.reduce])],
    ['torch.load within', 'torch.storage._load_from_bytes', Buffer.concat([global('torch.storage', '_load_from_bytes'), argument, op.reduce])],
    ['a whole model', 'my.package.Model', Buffer.concat([global('my.package', 'Model'), op.emptyTuple, op.newObject])],
    ['the registry of extensions', 'copyreg', Buffer.concat([bytes(0x82, 1)])],
    ['a buffer outside', 'buffer', Buffer.concat([bytes(0x97)])],
    ['data as a function', 'no function', Buffer.concat([string('x'), op.emptyTuple, op.reduce])],
  ])('%s is refused', async (_, name, parts) => {
    const error = await errorOf(call(parts));
    expect(error.code).toBe('DL406');
    expect(error.message).toContain(name);
  });

  const copies = Buffer.concat([op.emptyList, bytes(0x71, 9), op.mark, ...Array.from({ length: 5000 }, () => op.none), op.appends]);
  it.each([
    ['no instruction', bytes(0xff)],
    ['an empty stack', text('00')],
    ['a missing mark', text('t')],
    ['a key without value', Buffer.concat([op.emptyDict, op.mark, string('a'), op.setItems])],
    ['a memo never stored', bytes(0x68, 200)],
    ['marks without end', Buffer.alloc(20_000, '(')],
    ['a string that is longer than the file', Buffer.concat([text('X'), bytes(0xff, 0xff, 0xff, 0x7f)])],
    ['a string of 2⁶⁴ bytes', Buffer.concat([bytes(0x8d), Buffer.alloc(8, 0xff)])],
    ['an integer of a megabyte', Buffer.concat([bytes(0x8b), bytes(0, 0, 16, 0), Buffer.alloc(1 << 20)])],
    ['a decimal of a million digits', Buffer.concat([text('L'), Buffer.alloc(1_000_000, '9'), text('\n')])],
    ['no number', text('Fabc\n')],
    ['a tensor without storage', Buffer.concat([global('torch._utils', '_rebuild_tensor_v2'), tupleOf(int(1), int(0), op.emptyTuple, op.emptyTuple), op.reduce])],
    ['a reference to no storage', Buffer.concat([tupleOf(string('module')), op.persistent])],
    ['appending to a number', Buffer.concat([int(1), op.mark, int(2), op.appends])],
    ['copies of copies', Buffer.concat([copies, ...Array.from({ length: 5000 }, () => Buffer.concat([global('builtins', 'list'), bytes(0x68, 9, 0x85), op.reduce]))])],
  ])('%s is refused', async (_, parts) => {
    expect((await errorOf(call(parts))).code).toBe('DL407');
  });

  it('takes big integers, floats, bytes and old text for data', async () => {
    const parts = [bytes(0x8a, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9), text('L123456789012345678901234567890L\n'), text('I01\n'), text('Finf\n'), text('S\'a\'\n'), text('Vb\n'), bytes(0x8f, 0x28, 0x4b, 1, 0x90), bytes(0x28, 0x91), bytes(0x42, 1, 0, 0, 0, 7)];
    const junk = Buffer.concat([op.mark, ...parts, text('l')]);
    expect([...(await readWeights(save(archive(pickle(dictOf({ meta: junk, state_dict: dictOf({ a: vector }) })))))).keys()]).toEqual(['a']);
  });

  it('refuses archives that are no checkpoints, TorchScript, and big-endian values', async () => {
    const list = pickle(dictOf({ a: vector }));
    const script = await errorOf(readWeights(save(archive(list, undefined, { 'weights/constants.pkl': new Uint8Array(1) }))));
    expect([script.code, script.details.got]).toEqual(['DL402', 'a TorchScript program']);
    expect((await errorOf(readWeights(save(archive(list, undefined, { 'weights/byteorder': Buffer.from('big') }))))).details.got).toContain('big-endian');
    const other = Buffer.from(archive(list).toString('latin1').replaceAll('data.pkl', 'date.pkl'), 'latin1');
    expect((await errorOf(readWeights(save(other)))).code).toBe('DL402');
  });

  it('refuses an archive whose bytes do not fit their checksum', async () => {
    const whole = archive(pickle(dictOf({ a: vector })));
    whole[whole.indexOf(FOUR_FLOATS) + 2] = 1;
    const error = await errorOf(readWeights(save(whole)));
    expect([error.code, error.details.got]).toEqual(['DL404', 'the checksum of the entry weights/data/0 is wrong']);
  });

  it('does not unpack more than an archive may hold', async () => {
    const whole = archive(pickle(dictOf({ a: tensor({ items: 1000, shape: [1000], strides: [1] }) })), { 0: new Uint8Array(4000) }, {}, 6);
    const announced = whole.lastIndexOf(Buffer.from('weights/data/0')) - 46 + 24;
    whole.writeUInt32LE(0xf0000000, announced);
    expect((await errorOf(readWeights(save(whole)))).code).toMatch(/^DL40[49]$/);
  });
});
