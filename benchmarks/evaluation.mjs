/**
 * COCO evaluation of many images, ours and pycocotools', on the same boxes; fails where their twelve numbers differ by more than 1e-6.
 *
 *   node benchmarks/evaluation.mjs [--images 5000] [--detections 100] [--classes 80] [--rounds 3] [--python python3]
 *
 * Prints JSON on its last line: seconds from plain boxes to the twelve numbers (`pycocotools` once; `ours`, median of the rounds),
 * their ratio, and the largest difference of a number. Without pycocotools in that Python ours is measured alone, and the rest is
 * null.
 * Boxes are drawn from a seed: seven objects an image; of the detections one in ten lies near an object, with a better score.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { load, median, mulberry } from './sources.mjs';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '5000' }, detections: { type: 'string', default: '100' }, classes: { type: 'string', default: '80' },
    rounds: { type: 'string', default: '3' }, python: { type: 'string', default: process.env.DISTILL_LAB_PYTHON ?? 'python3' },
  },
});
const [images, perImage, classes, rounds] = [values.images, values.detections, values.classes, values.rounds].map(Number);
const OBJECTS = 7;
const TOLERANCE = 1e-6;
const NAMES = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl'];

const folder = await mkdtemp(join(tmpdir(), 'distill-lab-evaluation-'));
try {
  const boxes = draw();
  const { evaluateCoco } = await load(folder, 'src/evaluation/coco.ts', 'coco');
  await writeFile(join(folder, 'truth.json'), JSON.stringify(cocoTruth(boxes)));
  await writeFile(join(folder, 'detections.json'), JSON.stringify(boxes.detections.map(({ image, label, box, score }) => ({ image_id: image, category_id: label, bbox: sides(box), score }))));
  const other = pycocotools();
  const ours = [];
  let metrics;
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    ({ metrics } = evaluateCoco(boxes.truth, boxes.detections, boxes.names));
    ours.push((performance.now() - begin) / 1000);
  }
  const seconds = median(ours);
  console.error(`ours ${seconds.toFixed(2)} s, pycocotools ${other?.seconds.toFixed(2) ?? '–'} s, AP ${metrics.AP.toFixed(4)}`);
  const difference = other === undefined ? null : Math.max(...NAMES.map((name, index) => Math.abs(metrics[name] - other.stats[index])));
  console.log(JSON.stringify({ images, detections: perImage, classes, ours: seconds, pycocotools: other?.seconds ?? null, ratio: other === undefined ? null : Number((seconds / other.seconds).toPrecision(3)), largestDifference: difference }));
  if (difference > TOLERANCE) {
    console.error(`the two disagree by ${difference}: times mean nothing`);
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

function draw() {
  const random = mulberry(1);
  const truth = { images: [], objects: [] };
  const detections = [];
  for (let index = 0; index < images; index += 1) {
    truth.images.push({ index, width: 640, height: 480 });
    const own = Array.from({ length: OBJECTS }, () => ({ image: index, label: Math.floor(random() * classes), box: randomBox(random), crowd: random() < 0.01, difficult: false }));
    for (const object of own) truth.objects.push({ ...object, area: 0.7 * (object.box[2] - object.box[0]) * (object.box[3] - object.box[1]) });
    for (let k = 0; k < perImage; k += 1) {
      const near = k % 10 === 0 ? own[(k / 10) % OBJECTS] : undefined;
      const box = near === undefined ? randomBox(random) : near.box.map((value) => Math.round(value + 6 * (random() - 0.5)));
      detections.push({ image: index, label: near?.label ?? Math.floor(random() * classes), box: [box[0], box[1], Math.max(box[0] + 1, box[2]), Math.max(box[1] + 1, box[3])], score: (near === undefined ? 0.6 : 1) * random() });
    }
  }
  return { truth, detections, names: Array.from({ length: classes }, (_, label) => `class ${label}`) };
}

/** Whole pixels, so that no rounding of the files makes a difference. */
function randomBox(random) {
  const [width, height] = [4 + Math.floor(random() ** 2 * 300), 4 + Math.floor(random() ** 2 * 220)];
  const [x, y] = [Math.floor(random() * (640 - width)), Math.floor(random() * (480 - height))];
  return [x, y, x + width, y + height];
}

function sides([x1, y1, x2, y2]) {
  return [x1, y1, x2 - x1, y2 - y1];
}

function cocoTruth({ truth, names }) {
  return {
    images: truth.images.map(({ index, width, height }) => ({ id: index, width, height })),
    categories: names.map((name, id) => ({ id, name })),
    // Its own matching takes an annotation of id 0 for none.
    annotations: truth.objects.map(({ image, label, box, area, crowd }, id) => ({ id: id + 1, image_id: image, category_id: label, bbox: sides(box), area, iscrowd: crowd ? 1 : 0 })),
  };
}

/** Times what ours does: from boxes in memory to the twelve numbers. */
function pycocotools() {
  const script = `
import json, sys, time, contextlib, io
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
folder = sys.argv[1]
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(folder + '/truth.json')
    boxes = json.load(open(folder + '/detections.json'))
    begin = time.perf_counter()
    evaluation = COCOeval(truth, truth.loadRes(boxes), 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    seconds = time.perf_counter() - begin
print(json.dumps({'seconds': seconds, 'stats': [float(value) for value in evaluation.stats]}))
`;
  const { status, stdout, stderr } = spawnSync(values.python, ['-c', script, folder], { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout);
  console.error(`pycocotools was not measured: ${stderr?.trim().split('\n').at(-1) ?? `no ${values.python}`}`);
  return undefined;
}
