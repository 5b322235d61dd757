/** What a pickle's program makes besides numbers, text and arrays. */

/** `module.name` as the pickle mentions it; nothing is looked up. */
export class GlobalRef {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A dictionary in order of insertion. Keys that are not text or numbers go by identity. */
export class PickleDict {
  readonly entries = new Map<unknown, unknown>();
}

/** Something known to be harmless and of no use here: everything put into it is forgotten. */
export class Opaque {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export class PickleError extends Error {
  override readonly name = 'PickleError';
}
