/** The instructions of pickle, protocols 0 to 5 (Python's Lib/pickletools.py describes each). */
import { type PickleMachine } from './pickle.ts';
import { GlobalRef, Opaque, PickleDict, PickleError } from './pickleValues.ts';

export type Operation = (machine: PickleMachine) => void;

const INT_BOOLEANS: Readonly<Record<string, boolean>> = { '00': false, '01': true };

function text(m: PickleMachine, width: 1 | 4 | 8): void {
  m.push(m.take(m.length(width)).toString('utf8'));
}

function bytes(m: PickleMachine, width: 1 | 4 | 8): void {
  m.push(m.take(m.length(width)));
}

/** A Python 2 string: bytes that are nearly always names. */
function byteString(m: PickleMachine, length: number): void {
  m.push(m.take(length).toString('latin1'));
}

function quoted(m: PickleMachine): void {
  const line = m.line();
  const quote = line.at(0);
  if (line.length < 2 || (quote !== '\'' && quote !== '"') || line.at(-1) !== quote) throw new PickleError('a string without quotes');
  m.push(line.slice(1, -1));
}

function tuple(m: PickleMachine, count: number): void {
  const items: unknown[] = [];
  for (let i = 0; i < count; i += 1) items.unshift(m.pop());
  m.push(items);
}

function dictOf(m: PickleMachine, items: readonly unknown[]): void {
  const dict = new PickleDict();
  m.assign(dict, items);
  m.push(dict);
}

function global(m: PickleMachine, module: unknown, name: unknown): void {
  if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('a name that is no text');
  m.push(new GlobalRef(`${module}.${name}`));
}

function stackGlobal(m: PickleMachine): void {
  const name = m.pop();
  global(m, m.pop(), name);
}

function reduce(m: PickleMachine): void {
  const args = m.pop();
  m.call(m.pop(), args);
}

function newObject(m: PickleMachine): void {
  const keywords = m.pop();
  if (!(keywords instanceof PickleDict)) throw new PickleError('keywords that are no dictionary');
  reduce(m);
}

function instance(m: PickleMachine): void {
  const module = m.line();
  const name = m.line();
  m.call(new GlobalRef(`${module}.${name}`), m.popToMark());
}

function object(m: PickleMachine): void {
  const [callee, ...args] = m.popToMark();
  m.call(callee, args);
}

function extension(m: PickleMachine, width: 1 | 2 | 4): void {
  m.host.refuse(`extension ${m.take(width).readUIntLE(0, width)} of copyreg's registry`);
}

function append(m: PickleMachine): void {
  const item = m.pop();
  m.append(m.top(), [item]);
}

function appendAll(m: PickleMachine): void {
  const items = m.popToMark();
  m.append(m.top(), items);
}

function assign(m: PickleMachine): void {
  const value = m.pop();
  const key = m.pop();
  m.assign(m.top(), [key, value]);
}

function assignAll(m: PickleMachine): void {
  const items = m.popToMark();
  m.assign(m.top(), items);
}

function addToSet(m: PickleMachine): void {
  m.popToMark();
  if (!(m.top() instanceof Opaque)) throw new PickleError('items for something that is no set');
}

function frozenSet(m: PickleMachine): void {
  m.popToMark();
  m.push(new Opaque('frozenset'));
}

function build(m: PickleMachine): void {
  m.pop();
  m.build(m.top());
}

function float(m: PickleMachine): void {
  const line = m.line();
  const value = Number(line.replace(/^([+-]?)inf$/, '$1Infinity'));
  if (Number.isNaN(value) && !/^[+-]?nan$/.test(line)) throw new PickleError('a number that is none');
  m.push(value);
}

function integerLine(m: PickleMachine): void {
  const line = m.line();
  m.push(Object.hasOwn(INT_BOOLEANS, line) ? INT_BOOLEANS[line] : m.decimal(line));
}

const char = (letter: string): number => letter.charCodeAt(0);

export const OPCODES: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  // Protocol 0 and 1.
  [char('('), (m) => { m.mark(); }],
  [char('0'), (m) => { m.popAny(); }],
  [char('1'), (m) => { m.popToMark(); }],
  [char('2'), (m) => { m.push(m.top()); }],
  [char('F'), float],
  [char('G'), (m) => { m.push(m.take(8).readDoubleBE()); }],
  [char('I'), integerLine],
  [char('J'), (m) => { m.push(m.take(4).readInt32LE()); }],
  [char('K'), (m) => { m.push(m.byte()); }],
  [char('M'), (m) => { m.push(m.take(2).readUInt16LE()); }],
  [char('L'), (m) => { m.push(m.decimal(m.line().replace(/L$/, ''))); }],
  [char('N'), (m) => { m.push(null); }],
  [char('P'), (m) => { m.push(m.host.persistent(m.line())); }],
  [char('Q'), (m) => { m.push(m.host.persistent(m.pop())); }],
  [char('R'), reduce],
  [char('S'), quoted],
  [char('T'), (m) => { byteString(m, m.length(4)); }],
  [char('U'), (m) => { byteString(m, m.length(1)); }],
  [char('V'), (m) => { m.push(m.line()); }],
  [char('X'), (m) => { text(m, 4); }],
  [char('a'), append],
  [char('b'), build],
  [char('c'), (m) => { const module = m.line(); global(m, module, m.line()); }],
  [char('d'), (m) => { dictOf(m, m.popToMark()); }],
  [char('}'), (m) => { m.push(new PickleDict()); }],
  [char('e'), appendAll],
  [char('g'), (m) => { m.recall(Number(m.decimal(m.line()))); }],
  [char('h'), (m) => { m.recall(m.byte()); }],
  [char('j'), (m) => { m.recall(m.length(4)); }],
  [char('i'), instance],
  [char('l'), (m) => { m.push(m.popToMark()); }],
  [char(']'), (m) => { m.push([]); }],
  [char('o'), object],
  [char('p'), (m) => { m.memo.set(Number(m.decimal(m.line())), m.top()); }],
  [char('q'), (m) => { m.memo.set(m.byte(), m.top()); }],
  [char('r'), (m) => { m.memo.set(m.length(4), m.top()); }],
  [char('s'), assign],
  [char('t'), (m) => { m.push(m.popToMark()); }],
  [char(')'), (m) => { m.push([]); }],
  [char('u'), assignAll],
  // Protocol 2.
  [0x80, (m) => { m.byte(); }],
  [0x81, reduce],
  [0x82, (m) => { extension(m, 1); }],
  [0x83, (m) => { extension(m, 2); }],
  [0x84, (m) => { extension(m, 4); }],
  [0x85, (m) => { tuple(m, 1); }],
  [0x86, (m) => { tuple(m, 2); }],
  [0x87, (m) => { tuple(m, 3); }],
  [0x88, (m) => { m.push(true); }],
  [0x89, (m) => { m.push(false); }],
  [0x8a, (m) => { m.push(m.integer(m.length(1))); }],
  [0x8b, (m) => { m.push(m.integer(m.length(4))); }],
  // Protocol 3 and 4.
  [char('B'), (m) => { bytes(m, 4); }],
  [char('C'), (m) => { bytes(m, 1); }],
  [0x8c, (m) => { text(m, 1); }],
  [0x8d, (m) => { text(m, 8); }],
  [0x8e, (m) => { bytes(m, 8); }],
  [0x8f, (m) => { m.push(new Opaque('set')); }],
  [0x90, addToSet],
  [0x91, frozenSet],
  [0x92, newObject],
  [0x93, stackGlobal],
  [0x94, (m) => { m.memo.set(m.memo.size, m.top()); }],
  // A frame only announces how many bytes follow.
  [0x95, (m) => { m.take(8); }],
  // Protocol 5; buffers kept outside the pickle are not part of any weight file.
  [0x96, (m) => { bytes(m, 8); }],
  [0x97, (m) => { m.host.refuse('a buffer outside the file'); }],
  [0x98, () => undefined],
]);
