/**
 * A small strict XML reader for annotation files: elements, attributes, text, CDATA, comments, declarations and the predefined
 * entities. Every element knows its line. Document types are skipped; entities that they define are refused, so nothing expands.
 */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Character data directly inside, CDATA included, trimmed. */
  readonly text: string;
  /** 1-based line of the start tag. */
  readonly line: number;
}

/** Not well-formed. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

interface OpenElement {
  name: string;
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  text: string;
  line: number;
}

const NAME = /[\p{L}_:][\p{L}\p{N}_:.-]*/uy;
const SPACE = /\s*/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: '\'' };

/** Honours the encoding that the file declares. @throws XmlError */
export function decodeXml(bytes: Uint8Array): string {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200));
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
  const declared = /^(?:\u00ef\u00bb\u00bf)?<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']/.exec(head)?.[1];
  const encoding = wide ?? declared ?? 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new XmlError(`the bytes are not ${encoding} text`, 1);
  }
}

/** @returns the root element. @throws XmlError */
export function parseXml(text: string): XmlElement {
  return new Reader(text).document();
}

/** The first child with this name. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((candidate) => candidate.name === name);
}

class Reader {
  private readonly text: string;
  private at = 0;
  private line = 1;
  private countedTo = 0;
  private readonly open: OpenElement[] = [];
  private root: XmlElement | undefined;

  constructor(text: string) {
    this.text = text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  document(): XmlElement {
    while (this.at < this.text.length) {
      const tag = this.text.indexOf('<', this.at);
      this.characters(tag < 0 ? this.text.length : tag);
      if (tag >= 0) this.markup();
    }
    const unclosed = this.open.at(-1);
    if (unclosed !== undefined) throw this.error(`the file ends inside <${unclosed.name}>, opened in line ${unclosed.line}`);
    if (this.root === undefined) throw this.error('there is no element');
    return this.root;
  }

  private characters(end: number): void {
    const raw = this.text.slice(this.at, end);
    const inside = this.open.at(-1);
    if (inside !== undefined) inside.text += this.resolve(raw, this.at);
    else if (raw.trim() !== '') throw this.error(`text outside the root element: "${raw.trim().slice(0, 30)}"`);
    this.at = end;
  }

  private markup(): void {
    if (this.text.startsWith('<!--', this.at)) this.skipTo('-->', 'comment');
    else if (this.text.startsWith('<![CDATA[', this.at)) this.cdata();
    else if (this.text.startsWith('<?', this.at)) this.skipTo('?>', 'declaration');
    else if (this.text.startsWith('<!DOCTYPE', this.at)) this.documentType();
    else if (this.text.startsWith('</', this.at)) this.endTag();
    else this.startTag();
  }

  private skipTo(mark: string, what: string): string {
    const end = this.text.indexOf(mark, this.at + 2);
    if (end < 0) throw this.error(`a ${what} is not closed`);
    const skipped = this.text.slice(this.at, end);
    this.at = end + mark.length;
    return skipped;
  }

  private cdata(): void {
    const inside = this.open.at(-1);
    if (inside === undefined) throw this.error('CDATA outside the root element');
    inside.text += this.skipTo(']]>', 'CDATA section').slice('<![CDATA['.length);
  }

  private documentType(): void {
    const close = this.text.indexOf('>', this.at);
    const subset = this.text.indexOf('[', this.at);
    this.skipTo(subset >= 0 && subset < close ? ']>' : '>', 'document type');
  }

  private startTag(): void {
    const line = this.currentLine();
    this.at += 1;
    const name = this.nameHere('a tag');
    if (this.open.length === 0 && this.root !== undefined) throw this.error(`a second root element <${name}>`);
    const attributes = this.attributes(name);
    const element: OpenElement = { name, attributes, children: [], text: '', line };
    if (this.text.startsWith('/>', this.at)) {
      this.at += 2;
      this.finish(element);
    } else {
      this.at += 1;
      this.open.push(element);
    }
  }

  private attributes(tag: string): Map<string, string> {
    const found = new Map<string, string>();
    for (;;) {
      this.skipSpace();
      if (this.text.startsWith('>', this.at) || this.text.startsWith('/>', this.at)) return found;
      const name = this.nameHere(`tag <${tag}>`);
      this.skipSpace();
      if (this.text[this.at] !== '=') throw this.error(`attribute "${name}" of <${tag}> has no value`);
      this.at += 1;
      this.skipSpace();
      const quote = this.text[this.at];
      const end = quote === '"' || quote === '\'' ? this.text.indexOf(quote, this.at + 1) : -1;
      if (end < 0) throw this.error(`the value of attribute "${name}" of <${tag}> is not in quotes`);
      if (found.has(name)) throw this.error(`attribute "${name}" of <${tag}> is given twice`);
      found.set(name, this.resolve(this.text.slice(this.at + 1, end), this.at + 1));
      this.at = end + 1;
    }
  }

  private endTag(): void {
    this.at += 2;
    const name = this.nameHere('an end tag');
    this.skipSpace();
    if (this.text[this.at] !== '>') throw this.error(`end tag </${name}> is not closed`);
    const element = this.open.pop();
    if (element?.name !== name) {
      throw this.error(element === undefined ? `</${name}> closes nothing` : `</${name}> stands where </${element.name}> must close line ${element.line}`);
    }
    this.at += 1;
    this.finish(element);
  }

  private finish(element: OpenElement): void {
    const done: XmlElement = { ...element, text: element.text.trim() };
    const parent = this.open.at(-1);
    if (parent === undefined) this.root = done;
    else parent.children.push(done);
  }

  private nameHere(where: string): string {
    NAME.lastIndex = this.at;
    const name = NAME.exec(this.text)?.[0];
    if (name === undefined) throw this.error(`no name in ${where}`);
    this.at += name.length;
    return name;
  }

  private skipSpace(): void {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.text)?.[0].length ?? 0;
  }

  /** @param start of `raw` in the text */
  private resolve(raw: string, start: number): string {
    if (!raw.includes('&')) return raw;
    return raw.replace(/&([^;&<\s]*);?/g, (whole, name: string, offset: number) => {
      const named = whole.endsWith(';') ? ENTITIES[name] ?? numeric(name) : undefined;
      if (named !== undefined) return named;
      this.at = start + offset;
      throw this.error(`"${whole}" is not an entity (write &amp; for &)`);
    });
  }

  private error(message: string): XmlError {
    return new XmlError(message, this.currentLine());
  }

  /** Counts on from where it last stood: files are read from front to back. */
  private currentLine(): number {
    for (; this.countedTo < this.at; this.countedTo += 1) if (this.text.charCodeAt(this.countedTo) === 10) this.line += 1;
    return this.line;
  }
}

function numeric(name: string): string | undefined {
  const match = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name);
  if (match === null) return undefined;
  const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
