/** Texts with a cursor mark (`|`), and surroundings made up for tests. */
import { complete } from '../../../src/language/complete.ts';
import { type Completion } from '../../../src/language/completion.ts';
import { hover, type Hover } from '../../../src/language/hover.ts';
import { type OpenText, type Surroundings } from '../../../src/language/types.ts';

export const FILE = '/work-here/sub/x.distill.yaml';

export function marked(source: string): OpenText & { readonly offset: number } {
  const offset = source.indexOf('|');
  if (offset < 0) throw new Error(`no cursor mark in ${source}`);
  return { text: source.slice(0, offset) + source.slice(offset + 1), file: FILE, offset };
}

export function completeAt(source: string, around?: Surroundings): Promise<readonly Completion[]> {
  const { offset, ...text } = marked(source);
  return complete(text, offset, around);
}

export function hoverAt(source: string): Hover | undefined {
  const { offset, ...text } = marked(source);
  return hover(text, offset);
}

/** The text after a choice, stops of the snippet as their defaults, further lines indented as an editor does it. */
export function accepted(source: string, { range, insert }: Completion): string {
  const { text } = marked(source);
  const line = text.slice(text.lastIndexOf('\n', range.start - 1) + 1);
  const indent = /^ */.exec(line)?.[0] ?? '';
  const plain = insert.replaceAll(/\$\{\d+\|([^,|]*)[^}]*\}/g, '$1').replaceAll(/\$\{\d+:((?:\\.|[^}\\])*)\}/g, '$1').replaceAll(/(?<!\\)\$\d/g, '').replaceAll(/\\([\\$}])/g, '$1');
  return text.slice(0, range.start) + plain.replaceAll('\n', `\n${indent}`) + text.slice(range.end);
}

export const AROUND: Surroundings = {
  list: (folder) => Promise.resolve({
    '/work-here/sub': [{ name: 'teachers', isFolder: true }, { name: 'data', isFolder: true }, { name: '.git', isFolder: true }, { name: 'a.pth', isFolder: false }, { name: 'notes.txt', isFolder: false }, { name: 'with: colon.pt', isFolder: false }],
    '/work-here/sub/teachers': [{ name: 'big.safetensors', isFolder: false }],
    '/work-here': [{ name: 'sub', isFolder: true }],
    '/work-here/sub/data': [{ name: 'annotations', isFolder: true }, { name: 'train', isFolder: true }, { name: 'data.yaml', isFolder: false }],
    '/work-here/sub/data/annotations': [{ name: 'train.json', isFolder: false }, { name: 'readme.md', isFolder: false }],
    '/work-here/sub/data/ImageSets/Main': [{ name: 'train.txt', isFolder: false }, { name: 'test.txt', isFolder: false }],
  }[folder] ?? []),
  classNames: ({ format }) => Promise.resolve(format === 'coco' ? ['cat', 'dog', 'traffic light', '12'] : ['RBC', 'WBC']),
  weights: () => Promise.resolve([{ path: '../runs/r1/checkpoints/student/best/student.safetensors', detail: 'scenes · best · AP 41.2' }, { path: 'a.pth', detail: '1.0 MB' }]),
  devices: () => Promise.resolve([{ value: '0', detail: 'NVIDIA H100' }, { value: 'cpu', detail: 'no GPU' }]),
};
