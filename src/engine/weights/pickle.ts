/**
 * Reads Python's pickle format (protocols 0 to 5) without ever running what it names.
 *
 * A pickle is a program for a small stack machine. Numbers, strings, lists, dictionaries become data; names of Python objects
 * become inert `GlobalRef`s; and where the program wants one called, built or filled, the `PickleHost` decides from its
 * allow-list, before anything else happens. Lists and tuples are both arrays here: nobody needs to tell them apart.
 */
import { OPCODES } from './pickleOpcodes.ts';
import { GlobalRef, Opaque, PickleDict, PickleError } from './pickleValues.ts';

export interface PickleHost {
  /** What calling this with these arguments gives; throws for what is not allowed. */
  call(global: GlobalRef, args: readonly unknown[], machine: Budget): unknown;
  /** What stands for an object kept outside the pickle. */
  persistent(id: unknown): unknown;
  /** Throws for a call of something that is no plain name. */
  refuse(name: string): never;
}

/** Guards against small pickles that copy much. */
export interface Budget {
  spend(items: number): void;
}

const LIMITS = { marks: 10_000, integerBytes: 1024, copiedItems: 20_000_000 };

export class PickleMachine implements Budget {
  readonly bytes: Buffer;
  readonly host: PickleHost;
  position: number;
  readonly memo = new Map<number, unknown>();
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private copied = 0;

  constructor(bytes: Buffer, position: number, host: PickleHost) {
    this.bytes = bytes;
    this.position = position;
    this.host = host;
  }

  /** Runs up to STOP; `position` is then behind it. */
  run(): unknown {
    for (;;) {
      const code = this.byte();
      if (code === STOP) return this.pop();
      const operation = OPCODES.get(code);
      if (operation === undefined) throw new PickleError(`byte ${this.position - 1} is no instruction (0x${code.toString(16)})`);
      operation(this);
    }
  }

  // Input -----------------------------------------------------------------------------------------------------------

  take(length: number): Buffer {
    if (!(length >= 0) || length > this.bytes.length - this.position) throw new PickleError(`it ends at byte ${this.bytes.length}, in the middle of a value`);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  /** A length of four or eight bytes. */
  length(width: 1 | 4 | 8): number {
    if (width === 8) return Number(this.take(8).readBigUInt64LE());
    return this.take(width).readUIntLE(0, width);
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new PickleError('it ends in the middle of a line');
    const text = this.take(end - this.position).toString('utf8');
    this.position += 1;
    return text;
  }

  /** Little-endian, two's complement. */
  integer(width: number): number | bigint {
    if (width > LIMITS.integerBytes) throw new PickleError(`an integer of ${width} bytes`);
    const bytes = this.take(width);
    if (width === 0) return 0;
    if (width <= 6) return bytes.readIntLE(0, width);
    const magnitude = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
    return narrow(BigInt.asIntN(8 * width, magnitude));
  }

  decimal(text: string): number | bigint {
    if (!/^[+-]?\d{1,1000}$/.test(text)) throw new PickleError(`${JSON.stringify(text.slice(0, 40))} is no integer`);
    return narrow(BigInt(text.startsWith('+') ? text.slice(1) : text));
  }

  // Stack -----------------------------------------------------------------------------------------------------------

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new PickleError(`nothing to take at byte ${this.position}`);
    return this.stack.pop();
  }

  top(): unknown {
    const value = this.pop();
    this.push(value);
    return value;
  }

  mark(): void {
    if (this.marks.length >= LIMITS.marks) throw new PickleError(`more than ${LIMITS.marks} levels deep`);
    this.marks.push(this.stack.length);
  }

  /** All that was pushed since the last mark. */
  popToMark(): unknown[] {
    const start = this.marks.pop();
    if (start === undefined) throw new PickleError(`a mark is missing at byte ${this.position}`);
    return this.stack.splice(start);
  }

  /** POP may also take a mark away. */
  popAny(): void {
    const start = this.marks.at(-1);
    if (start !== undefined && start === this.stack.length) this.marks.pop();
    else this.pop();
  }

  recall(index: number): void {
    if (!this.memo.has(index)) throw new PickleError(`number ${index} was never stored`);
    this.push(this.memo.get(index));
  }

  spend(items: number): void {
    this.copied += items;
    if (this.copied > LIMITS.copiedItems) throw new PickleError('it copies more than it holds');
  }

  // Objects ---------------------------------------------------------------------------------------------------------

  call(callee: unknown, args: unknown): void {
    if (!(callee instanceof GlobalRef)) this.host.refuse(callee instanceof Opaque ? `something made by ${callee.name}` : 'something that is no function');
    if (!Array.isArray(args)) throw new PickleError(`${callee.name} has no list of arguments`);
    this.push(this.host.call(callee, args, this));
  }

  append(target: unknown, items: readonly unknown[]): void {
    if (target instanceof Opaque) return;
    if (!Array.isArray(target)) throw new PickleError(`items for something that is no list, at byte ${this.position}`);
    for (const item of items) target.push(item);
  }

  assign(target: unknown, items: readonly unknown[]): void {
    if (items.length % 2 !== 0) throw new PickleError(`a key without value at byte ${this.position}`);
    if (target instanceof Opaque) return;
    if (!(target instanceof PickleDict)) throw new PickleError(`keys for something that is no dictionary, at byte ${this.position}`);
    for (let i = 0; i < items.length; i += 2) target.entries.set(items[i], items[i + 1]);
  }

  /** Attributes of an object: of what we keep none matters (a state dict's `_metadata`, a tensor's Python attributes). */
  build(target: unknown): void {
    if (target instanceof GlobalRef) this.host.refuse(`${target.name}.__setstate__`);
    if (typeof target !== 'object' || target === null || Array.isArray(target)) throw new PickleError(`attributes for plain data at byte ${this.position}`);
  }
}

const STOP = 0x2e;

function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
