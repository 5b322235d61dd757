/** One VOC annotation file. */
import { type Box } from '../engine/boxes.ts';
import { DistillError } from '../errors.ts';
import { type Size } from './images.ts';
import { child, decodeXml, parseXml, XmlError, type XmlElement } from './xml.ts';

export interface VocObject {
  readonly name: string;
  /** As written. */
  readonly box: Box;
  readonly difficult: boolean;
  readonly line: number;
}

export interface VocAnnotation {
  /** As shown in messages. */
  readonly file: string;
  readonly fileName: string | undefined;
  /** Undefined where the file gives none or zeros. */
  readonly size: Size | undefined;
  readonly objects: readonly VocObject[];
}

/** @param file as shown in messages. @throws DistillError DL302, DL303, DL306 */
export function parseVoc(bytes: Uint8Array, file: string): VocAnnotation {
  const root = wellFormed(bytes, file);
  if (root.name !== 'annotation') throw lacking(file, root.line, `the root element is <${root.name}>`, '<annotation>');
  return {
    file,
    fileName: child(root, 'filename')?.text,
    size: sizeOf(root),
    objects: root.children.filter((element) => element.name === 'object').map((element) => objectOf(element, file)),
  };
}

function wellFormed(bytes: Uint8Array, file: string): XmlElement {
  try {
    return parseXml(decodeXml(bytes));
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw new DistillError('DL303', 'the annotation is not XML', {
      where: { file, line: cause.line },
      expected: 'a VOC annotation: <annotation> … </annotation>',
      got: bytes.length === 0 ? 'an empty file' : cause.message,
      advice: 'correct the file, or take the image out of the list',
      cause,
    });
  }
}

function sizeOf(root: XmlElement): Size | undefined {
  const size = child(root, 'size');
  if (size === undefined) return undefined;
  const width = Number(child(size, 'width')?.text ?? Number.NaN);
  const height = Number(child(size, 'height')?.text ?? Number.NaN);
  return Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0 ? { width, height } : undefined;
}

function objectOf(element: XmlElement, file: string): VocObject {
  const name = child(element, 'name')?.text ?? '';
  if (name === '') throw lacking(file, element.line, 'an object has no <name>', '<object> with <name> and <bndbox>');
  const box = child(element, 'bndbox');
  if (box === undefined) throw lacking(file, element.line, `object "${name}" has no <bndbox>`, '<bndbox> with xmin, ymin, xmax, ymax');
  const side = (key: string): number => coordinate(box, key, name, file);
  return { name, box: [side('xmin'), side('ymin'), side('xmax'), side('ymax')], difficult: child(element, 'difficult')?.text === '1', line: box.line };
}

function coordinate(box: XmlElement, key: string, name: string, file: string): number {
  const element = child(box, key);
  if (element === undefined) throw lacking(file, box.line, `the box of object "${name}" has no <${key}>`, 'xmin, ymin, xmax, ymax');
  const value = element.text === '' ? Number.NaN : Number(element.text);
  if (Number.isFinite(value)) return value;
  throw new DistillError('DL306', `<${key}> of object "${name}" is not a number`, {
    where: { file, line: element.line },
    expected: 'pixels',
    got: element.text === '' ? 'nothing' : element.text,
    advice: 'correct the annotation or take it out',
  });
}

function lacking(file: string, line: number, message: string, expected: string): DistillError {
  return new DistillError('DL302', message, { where: { file, line }, expected, advice: 'correct the annotation, or take the image out of the list' });
}
