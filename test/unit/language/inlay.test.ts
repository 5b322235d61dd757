/** Inlay hints as a table: what stands behind which line, and that writing it down changes nothing else. */
import { describe, expect, it } from 'vitest';
import { outlineOf } from '../../../src/experiment/defaults.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { type Translate } from '../../../src/language/fixesWords.ts';
import { inlayHints } from '../../../src/language/inlay.ts';

const FILE = 'a.distill.yaml';
const english: Translate = (message, ...values) => message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)]));

const BASE = `name: base
data: { format: scenes, size: [64, 64] }
teacher: { detector: retinanet, backbone: small, weights: t.safetensors }
student:
  detector: retinanet
  backbone: tiny # narrow
distill:
  - method: fgd # focal
train:
  steps: 500
`;

/** `line: hint`, with the lines counted from 1. */
function hints(text: string): readonly string[] {
  return inlayHints({ text, file: FILE }, english).map(({ offset, label }) => `${text.slice(0, offset).split('\n').length}: ${label}`);
}

const NECK = 'neck: 48 channels, 3 levels';
const FGD = 'temperature: 0.5, alpha: 0.001, …';

describe('inlay hints', () => {
  it.each<readonly [what: string, from: string | RegExp, to: string, expected: readonly string[]]>([
    ['tell what is left out', '', '', [`3: ${NECK}`, `6: ${NECK}`, `8: ${FGD}`, '10: batch: 4']],
    ['leave out what is written', '  - method: fgd # focal', '  - { method: fgd, alpha: 0.1, beta: 0.1, gamma: 0.1, lambda: 0.1 }', [`3: ${NECK}`, `6: ${NECK}`, '8: temperature: 0.5', '10: batch: 4']],
    ['follow the detector', '  detector: retinanet', '  detector: fcos', [`3: ${NECK}`, `6: ${NECK}`, '8: temperature: 0.8, alpha: 0.0016, …', '10: batch: 4']],
    ['follow the backbone', 'backbone: tiny', 'backbone: resnet18\n  neck: { levels: 3 }', [`3: ${NECK}`, '6: neck: 256 channels', `9: ${FGD}`, '11: batch: 4']],
    ['say nothing of methods without such defaults', 'method: fgd # focal', 'method: cwd', [`3: ${NECK}`, `6: ${NECK}`, '10: batch: 4']],
    ['count epochs in steps', 'steps: 500', 'epochs: 2', [`3: ${NECK}`, `6: ${NECK}`, `8: ${FGD}`, '10: = 750 steps, batch: 4']],
    ['tell the course of a learning rate', 'steps: 500', 'steps: 500\n  batch: 8\n  learningRate: 0.1', [`3: ${NECK}`, `6: ${NECK}`, `8: ${FGD}`, '12: schedule: cosine, warmup: 100']],
    ['tell intervals', 'steps: 500\n', 'steps: 500\nevaluate:\n  nms: 0.5\npictures: { images: 2 }\ncheckpoint:\n', [`3: ${NECK}`, `6: ${NECK}`, `8: ${FGD}`, '10: batch: 4', '11: every: 50', '13: every: 50', '14: every: 50']],
    ['take an interval from evaluation', 'steps: 500\n', 'steps: 500\n  batch: 1\nevaluate: { every: 20 }\ncheckpoint: {}\n', [`3: ${NECK}`, `6: ${NECK}`, `8: ${FGD}`, '13: every: 20']],
    ['say nothing of pictures that are off', 'steps: 500\n', 'steps: 500\n  batch: 1\npictures: { images: 0 }\n', [`3: ${NECK}`, `6: ${NECK}`, `8: ${FGD}`]],
    ['stand at each of several teachers', /teacher: (.*)\n/, 'teacher: [$1, { detector: gfl, backbone: resnet50, weights: g.pth }]\n', [`3: ${NECK}`, '3: neck: 256 channels, 5 levels', `6: ${NECK}`, '10: batch: 4']],
    ['are not on a line that is wrong, and stay on the others', 'backbone: tiny', 'backbone: tyni', [`3: ${NECK}`, `8: ${FGD}`, '10: batch: 4']],
    ['are not in a method that is wrong', 'method: fgd # focal', 'method: fgd\n    alpha: many', [`3: ${NECK}`, `6: ${NECK}`, '11: batch: 4']],
    ['are nowhere in what is not YAML', 'steps: 500', 'steps: [500', []],
    ['are nowhere in an empty file', /[^]*/, '# later\n', []],
  ])('%s', (_, from, to, expected) => {
    const text = BASE.replace(from, to);
    // Two teachers whose pyramids differ cannot serve one student: the method's line is wrong then.
    expect(hints(text)).toEqual(expected);
  });

  it('explain themselves: each key with its meaning', () => {
    const [neck] = inlayHints({ text: BASE, file: FILE }, english);
    expect(neck?.tooltip).toEqual(['The pyramid that this backbone gets, because it is left out:', '- `channels: 48` Width of every level.', '- `levels: 3` Number of levels from P3 on.', 'Double-click to write it down.']);
  });

  it('write down what they say, and nothing changes by it', () => {
    const text = BASE.replace('steps: 500\n', 'steps: 500\n  learningRate: 0.1\nevaluate:\npictures: { images: 2 }\n');
    const before = readExperiment(text, FILE);
    const all = inlayHints({ text, file: FILE }, english);
    expect(all).toHaveLength(7);
    for (const hint of all) {
      const edit = hint.edit();
      const written = edit === undefined ? '' : text.slice(0, edit.range.start) + edit.text + text.slice(edit.range.end);
      const after = readExperiment(written, FILE);
      expect(after.problems).toEqual([]);
      expect(after.experiment && outlineOf(after.experiment.student)).toEqual(before.experiment && outlineOf(before.experiment.student));
      // Behind that line it is silent now.
      const label = (shown: string): number => hints(shown).filter((each) => each.endsWith(hint.label)).length;
      expect(label(written)).toBe(label(text) - 1);
      expect(written.match(/#.*$/gm)).toEqual(text.match(/#.*$/gm));
    }
  });

  it('are no longer than VS Code shows', () => {
    const text = BASE.replace('method: fgd', 'method: fkd').replace('steps: 500', 'steps: 500\n  learningRate: 0.1');
    expect(inlayHints({ text, file: FILE }, english).map(({ label }) => label.length).filter((length) => length > 43)).toEqual([]);
  });

  it('put text of the file into no tooltip', () => {
    const text = BASE.replace('name: base', 'name: "[x](command:evil)"').replace('t.safetensors', '"[y](command:evil)"');
    expect(JSON.stringify(inlayHints({ text, file: FILE }, english))).not.toContain('evil');
  });
});
