/** Drawn images and smooth masks by formula, for the fake run. Test material only: the product never shows any of this. */
import sharp from 'sharp';
import { type PictureIndex } from '../../src/experiment/record.ts';

export const FAKE_CLASSES = ['disc', 'square', 'triangle', 'star'];

type Masks = PictureIndex['masks'];
type Box = [number, number, number, number];

/** A number in 0…1 that looks random and depends on its arguments only. */
export function noise(...keys: number[]): number {
  let state = 2166136261;
  for (const key of keys) state = Math.imul(state ^ (Math.floor(key * 1000) + 0x9e37), 16777619) ^ (state >>> 13);
  return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
}

interface Thing {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly label: number;
}

/** Three or four objects, apart from each other. */
export function things(image: number, size: number): Thing[] {
  const count = 3 + (image % 2);
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count + image;
    return { x: size * (0.5 + 0.28 * Math.cos(angle)), y: size * (0.5 + 0.28 * Math.sin(angle)), radius: size * (0.06 + 0.08 * noise(image, i)), label: (i + image) % 4 };
  });
}

export async function fakeImage(image: number, size: number): Promise<Buffer> {
  const objects = things(image, size);
  const pixels = Buffer.alloc(size * size * 3);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const object = objects.find((thing) => inside(thing, x - thing.x, y - thing.y));
      const ground = 96 + 50 * Math.sin((x + 40 * image) / 37) + 30 * Math.cos(y / 23) + 18 * (noise(x, y, image) - 0.5);
      const tint = object === undefined ? [1, 0.96, 0.86] : [[0.95, 0.45, 0.3], [0.3, 0.6, 0.95], [0.95, 0.85, 0.3], [0.5, 0.9, 0.5]][object.label];
      const light = object === undefined ? ground : 205 + 20 * noise(x, y);
      for (let c = 0; c < 3; c += 1) pixels[3 * (y * size + x) + c] = Math.max(0, Math.min(255, light * (tint?.[c] ?? 1)));
    }
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } }).png().toBuffer();
}

function inside({ label, radius }: Thing, dx: number, dy: number): boolean {
  if (label === 1) return Math.abs(dx) < radius * 0.85 && Math.abs(dy) < radius * 0.85;
  if (label === 2) return dy < radius * 0.7 && dy > -radius + Math.abs(dx) * 1.9;
  if (label === 3) return Math.hypot(dx, dy) < radius * (0.7 + 0.3 * Math.cos(5 * Math.atan2(dy, dx)));
  return Math.hypot(dx, dy) < radius;
}

const boxOf = ({ x, y, radius }: Thing, shift: number, size: number): Box => [x - radius - shift, y - radius + shift, x + radius - shift, y + radius + shift].map((v) => Math.max(0, Math.min(size, v))) as Box;

/** One recording; `skill` 0…1 is how far the student has come. */
export function fakePictures(options: { readonly step: number; readonly skill: number; readonly images: number; readonly size: number; readonly methods: readonly string[] }): { readonly index: PictureIndex; readonly values: Float32Array } {
  const { step, skill, images, size, methods } = options;
  const values: number[] = [];
  const masks: Masks = [];
  const add = (mask: Omit<Masks[number], 'offset' | 'shape'>, shape: number[], data: number[]): void => {
    masks.push({ ...mask, shape, offset: values.length });
    for (const value of data) values.push(value);
  };
  for (let image = 0; image < images; image += 1) {
    for (const [name, stride] of [['P3', 8], ['P4', 16], ['P5', 32]] as const) {
      const side = Math.ceil(size / stride);
      const maps = mapsOf(image, side, stride, size, skill);
      if (methods.includes('fgd')) addFgd(add, { image, level: name, stride }, side, maps, skill);
      if (methods.includes('pfi')) addPfi(add, { image, level: name, stride }, side, maps);
    }
  }
  for (let image = 0; image < images; image += 1) {
    if (methods.includes('rm')) addRm(add, image, size, skill);
    if (methods.includes('dsig')) addDsig(add, image, skill);
  }
  return { index: { step, arm: 'student', images: Array.from({ length: images }, (_, image) => imageOf(image, size, skill)), masks }, values: Float32Array.from(values) };
}

interface Maps {
  readonly teacher: number[];
  readonly student: number[];
  readonly foreground: number[];
  readonly background: number[];
}

function mapsOf(image: number, side: number, stride: number, size: number, skill: number): Maps {
  const objects = things(image, size);
  const at = (wide: number, uneven: number): number[] => meanOne(Array.from({ length: side * side }, (_, cell) => {
    const [x, y] = [((cell % side) + 0.5) * stride, (Math.floor(cell / side) + 0.5) * stride];
    const near = objects.reduce((sum, thing) => sum + Math.exp(-((x - thing.x) ** 2 + (y - thing.y) ** 2) / (2 * (thing.radius * wide) ** 2)), 0);
    return 0.25 + 3 * near + uneven * noise(image, cell, stride);
  }));
  const covered = Array.from({ length: side * side }, (_, cell) => objects.find((thing) => Math.abs(((cell % side) + 0.5) * stride - thing.x) < thing.radius && Math.abs((Math.floor(cell / side) + 0.5) * stride - thing.y) < thing.radius));
  const free = covered.filter((thing) => thing === undefined).length;
  return {
    teacher: at(0.8, 0.05), student: at(0.8 + 0.9 * (1 - skill), 1.6 * (1 - skill) + 0.05),
    foreground: covered.map((thing) => (thing === undefined ? 0 : (stride / (2 * thing.radius)) ** 2)),
    background: covered.map((thing) => (thing === undefined ? 1 / Math.max(1, free) : 0)),
  };
}

function meanOne(map: number[]): number[] {
  const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
  return map.map((value) => value / mean);
}

type Add = (mask: Omit<Masks[number], 'offset' | 'shape'>, shape: number[], data: number[]) => void;
interface Where {
  readonly image: number;
  readonly level: string;
  readonly stride: number;
}

function addFgd(add: Add, where: Where, side: number, maps: Maps, skill: number): void {
  const common = { ...where, method: 'fgd', form: 'map', signed: false } as const;
  const spatial = { ...common, kind: 'spatialAttention', title: 'Spatial attention' };
  add({ ...spatial, role: 'teacher', caption: 'Where the teacher looks: softmax over all places of the mean absolute activation, τ = 0.5; mean 1.' }, [side, side], maps.teacher);
  add({ ...spatial, role: 'student', caption: 'Where the student looks, by the same formula.' }, [side, side], maps.student);
  add({ ...spatial, role: 'difference', signed: true, caption: 'Student minus teacher: orange where the student looks more, blue where less.' }, [side, side], maps.student.map((value, i) => value - (maps.teacher[i] ?? 0)));
  add({ ...common, kind: 'foreground', title: 'Foreground', role: 'shared', caption: 'Cells of objects, each object weighing the same whatever its size.' }, [side, side], maps.foreground);
  add({ ...common, kind: 'background', title: 'Background', role: 'shared', caption: 'All other cells, weighing 1 together.' }, [side, side], maps.background);
  const channels = (uneven: number, key: number): number[] => meanOne(Array.from({ length: 48 }, (_, c) => 0.4 + noise(c, where.stride, 7) + uneven * noise(c, key)));
  const bars = { ...where, method: 'fgd', form: 'bars', signed: false, kind: 'channelAttention', title: 'Channel attention' } as const;
  add({ ...bars, role: 'teacher', caption: 'How much each channel counts for the teacher: softmax of its mean absolute activation.' }, [48], channels(0.1, 3));
  add({ ...bars, role: 'student', caption: 'The same for the student.' }, [48], channels(1.5 * (1 - skill), 5));
}

function addPfi(add: Add, where: Where, side: number, maps: Maps): void {
  const common = { ...where, method: 'pfi', form: 'map', signed: false, role: 'difference' } as const;
  const prediction = maps.student.map((value, i) => Math.abs(value - (maps.teacher[i] ?? 0)) * 0.2);
  const feature = maps.student.map((value) => 0.05 + 0.1 * value);
  add({ ...common, kind: 'prediction', title: 'Prediction difference', caption: 'Mean squared difference of the class scores, by cell.' }, [side, side], prediction);
  add({ ...common, kind: 'feature', title: 'Feature difference', caption: 'Mean squared difference of the features, by cell.' }, [side, side], feature);
  add({ ...common, kind: 'product', title: 'Product', caption: 'What the loss adds up: features count where predictions differ.' }, [side, side], prediction.map((value, i) => value * (feature[i] ?? 0)));
}

/** Rows of boxes as recorded: one an object, the rest without area. */
export const BOX_ROWS = 6;

function addRm(add: Add, image: number, size: number, skill: number): void {
  const common = { image, level: 'all', stride: 1, method: 'rm', form: 'boxes', signed: false, kind: 'topBoxes', title: 'Best box of each object' } as const;
  const rows = (shift: number, least: number): number[] => Array.from({ length: BOX_ROWS }, (_, row) => {
    const thing = things(image, size)[row];
    return thing === undefined ? [0, 0, 0, 0, 0] : [...boxOf(thing, shift, size), least + 0.1 * row];
  }).flat();
  add({ ...common, role: 'teacher', caption: 'The candidate that is ranked first, coloured by its score.' }, [BOX_ROWS, 5], rows(1, 0.6));
  add({ ...common, role: 'student', caption: 'The candidate that is ranked first, coloured by its score.' }, [BOX_ROWS, 5], rows(9 * (1 - skill), 0.2 + 0.3 * skill));
}

function addDsig(add: Add, image: number, skill: number): void {
  const common = { image, level: 'all', stride: 1, method: 'dsig', form: 'matrix', signed: false, kind: 'relations', title: 'Relations' } as const;
  const count = things(image, 1).length;
  const matrix = (uneven: number): number[] => Array.from({ length: count * (count + 1) }, (_, cell) => (Math.floor(cell / (count + 1)) === cell % (count + 1) ? 1 : 0.2 + 0.5 * noise(image, cell) + uneven * noise(cell, 9)));
  add({ ...common, role: 'teacher', caption: 'How alike objects are: a row and a column each, the last column the background.' }, [count, count + 1], matrix(0));
  add({ ...common, role: 'student', caption: 'How alike objects are: a row and a column each, the last column the background.' }, [count, count + 1], matrix(1 - skill));
}

function imageOf(image: number, size: number, skill: number): PictureIndex['images'][number] {
  const objects = things(image, size);
  return {
    id: `scene-${String(image).padStart(4, '0')}`, file: `images/scene-${image}.png`, width: size, height: size,
    groundTruth: objects.map((thing) => ({ box: boxOf(thing, 0, size), label: thing.label })),
    teacher: objects.map((thing, i) => ({ box: boxOf(thing, 1.5, size), label: thing.label, score: 0.97 - 0.05 * i })),
    student: objects.map((thing, i) => ({ box: boxOf(thing, 9 * (1 - skill) - 2, size), label: thing.label, score: Math.max(0.06, 0.9 * skill - 0.12 * i) })),
  };
}
