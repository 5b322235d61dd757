/** A name for a file out of words that anybody may have written. */
const LONGEST = 80;
/** Names of devices on Windows, with or without an ending. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Letters, digits, dots, dashes and underscores; no folder, no hidden file, no device. @param ending with its dot */
export function fileName(words: string, ending: string): string {
  const plain = words.normalize('NFKC').replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/\.{2,}/g, '.').replace(/-{2,}/g, '-');
  const name = Array.from(plain).slice(0, LONGEST).join('').replace(/^[.-]+|[.-]+$/g, '');
  return `${name === '' || RESERVED.test(name) ? `run${name === '' ? '' : `-${name}`}` : name}${ending}`;
}
