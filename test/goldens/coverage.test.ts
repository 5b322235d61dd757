import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GOLDENS } from './support/tensors.ts';

/** Which test file reads which reference numbers. A file of numbers that no pattern matches fails. */
const RUNNERS: readonly (readonly [numbers: RegExp, test: string])[] = [
  [/^detectors\/(mmdet-)?retinanet-.*\.json$/, 'retinanet.test.ts'],
  [/^detectors\/(mmdet-)?fcos-.*\.json$/, 'fcos.test.ts'],
  [/^detectors\/mmdet-atss-.*\.json$/, 'atss.test.ts'],
  [/^detectors\/mmdet-gfl-.*\.json$/, 'gfl.test.ts'],
  [/^coco-eval\/.*\.json$/, 'cocoEval.test.ts'],
  [/^rm-pfi\.json$/, 'rmPfi.test.ts'],
  [/^ssim-kd\.json$/, 'ssimKd.test.ts'],
  [/^(bckd|chen2017|crosskd|cwd|defeat|drkd|dsig|fgd|fgfi|fkd|frs|gid|glamd|head|icd|ikd|labelenc|lad|ld|lgd|mimic|pgd|pkd)\.json$/, '$1.test.ts'],
];

/** Families that are not there yet: two-stage detectors, RepPoints, and DETR with its methods. */
const NOT_SERVED = /^detectors\/(mmdet-)?(faster_rcnn|mask_rcnn|reppoints|conditional_detr|deformable_detr)-.*\.json$|^(detrdistill|kd-detr)\.json$/;

const there = existsSync(GOLDENS);
if (!there) console.warn(`skipped: ${GOLDENS} is not there (set GOLDENS_DIR)`);

describe.skipIf(!there)('reference numbers', () => {
  const files = there ? readdirSync(GOLDENS, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json')).map((file) => file.replaceAll('\\', '/')) : [];

  it.each(files.filter((file) => !NOT_SERVED.test(file)))('%s has a test that reads it', (file) => {
    const runner = RUNNERS.find(([numbers]) => numbers.test(file));
    const test = runner === undefined ? undefined : file.replace(runner[0], runner[1]);
    expect(test, `no test reads ${file}`).toBeDefined();
    const source = readFileSync(join(import.meta.dirname, test ?? ''), 'utf8');
    // Single files by their name; those of a folder by the folder's name, or by the model's.
    const [folder, name = ''] = file.includes('/') ? file.split('/') : ['', file];
    const words = folder === '' ? [`'${file}'`] : [`'${folder}'`, `'${name.replace(/^mmdet-/, '').split('-')[0] ?? ''}'`];
    expect(words.some((word) => source.includes(word)), `${test} reads ${file}`).toBe(true);
  });
});
