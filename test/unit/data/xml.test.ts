import { describe, expect, it } from 'vitest';
import { child, decodeXml, parseXml, XmlError } from '../../../src/data/xml.ts';

function errorOf(text: string): XmlError {
  try {
    parseXml(text);
  } catch (error) {
    if (error instanceof XmlError) return error;
    throw error;
  }
  throw new Error('parsed');
}

describe('parseXml', () => {
  it('reads elements, attributes, text, entities, CDATA, comments and declarations', () => {
    const root = parseXml('\uFEFF<?xml version="1.0"?>\n<!DOCTYPE a [<!ELEMENT a ANY>]>\n<!-- <b> -->\n<a x="1 &amp; 2" y=\'"\'>\n  <b/> t&lt;&#65;&#x42;<![CDATA[<&>]]>\n  <c><d>5</d></c>\n</a>\n<!-- end -->');
    expect(root.name).toBe('a');
    expect([...root.attributes]).toEqual([['x', '1 & 2'], ['y', '"']]);
    expect(root.text).toBe('t<AB<&>');
    expect(root.children.map((element) => [element.name, element.line])).toEqual([['b', 5], ['c', 6]]);
    const c = child(root, 'c');
    expect(c === undefined ? undefined : child(c, 'd')?.text).toBe('5');
    expect(child(root, 'nothing')).toBeUndefined();
  });

  it.each([
    ['', 'there is no element', 1],
    ['just text', 'text outside', 1],
    ['{"a": 1}', 'text outside', 1],
    ['<a>\n<b>\n</a>', '</a> stands where </b>', 3],
    ['<a>\n\n<b>', 'ends inside <b>', 3],
    ['<a/>\n<b/>', 'second root', 2],
    ['</a>', 'closes nothing', 1],
    ['<a x=1/>', 'not in quotes', 1],
    ['<a x/>', 'has no value', 1],
    ['<a x="1" x="2"/>', 'given twice', 1],
    ['<a>\n&nbsp;</a>', 'not an entity', 2],
    ['<a>a & b</a>', 'not an entity', 1],
    ['<a>&#0;</a>', 'not an entity', 1],
    ['<a>\n<!-- no end', 'comment is not closed', 2],
    ['<a><![CDATA[x</a>', 'CDATA section is not closed', 1],
    ['<a>< b></a>', 'no name in a tag', 1],
    ['<a></a', 'not closed', 1],
    ['<a', 'no name in tag <a>', 1],
  ])('refuses %j', (text, message, line) => {
    const error = errorOf(text);
    expect(error.message).toContain(message);
    expect(error.line).toBe(line);
  });

  it('expands no entities of a document type', () => {
    expect(errorOf('<!DOCTYPE a [<!ENTITY x "xxxxxxxx">]>\n<a>&x;</a>').message).toContain('"&x;" is not an entity');
  });

  it('decodes what the file declares and refuses bytes that are not that', () => {
    const latin = new Uint8Array([...new TextEncoder().encode('<?xml version="1.0" encoding="ISO-8859-1"?><a>'), 0xe9, ...new TextEncoder().encode('</a>')]);
    expect(parseXml(decodeXml(latin)).text).toBe('é');
    expect(() => decodeXml(new Uint8Array([0x3c, 0x61, 0x3e, 0xff]))).toThrow(XmlError);
    expect(decodeXml(new Uint8Array(Buffer.from('\uFEFF<a/>', 'utf16le')))).toBe('<a/>');
  });
});
