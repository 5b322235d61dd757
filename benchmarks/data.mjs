/**
 * How fast batches are made: JPEGs of 640 × 480 decoded, augmented and normalised for an input of 256 × 256.
 *
 *   node benchmarks/data.mjs [--images 200] [--size 256] [--batch 8] [--rounds 3]
 *
 * With BCCD_ROOT in the environment its pictures are read, else as many are drawn that look like them (cells on a pale ground).
 * For each augmentation: images a second and processor milliseconds an image (all threads), of the first epoch, in which every
 * picture is decoded, and of a later one, which finds them in memory; medians of the rounds. Then where the first epoch's time
 * goes, part by part on one core. The last line is one JSON object.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { bundle, load, median, mulberry, short, withFolder } from './sources.mjs';

const { values } = parseArgs({
  options: { images: { type: 'string', default: '200' }, size: { type: 'string', default: '256' }, batch: { type: 'string', default: '8' }, rounds: { type: 'string', default: '3' } },
});
const [count, side, batch, rounds] = [values.images, values.size, values.batch, values.rounds].map(Number);
const AUGMENTATIONS = { flips: { flip: 0.5, flipVertical: 0.5 }, everything: { flip: 0.5, flipVertical: 0.5, scale: [0.8, 1.25], photometric: 0.3 }, mosaic: { mosaic: 1, flip: 0.5 } };

await withFolder(async (folder) => {
  const worker = await bundle(folder, 'src/data/loaderWorker.ts', 'loader');
  const { BatchLoader } = await load(folder, 'src/data/batchLoader.ts', 'batchLoader');
  const { dataSchema } = await load(folder, 'src/experiment/schema.ts', 'schema');
  const { fileImage } = await load(folder, 'src/data/images.ts', 'images');
  const paths = await pictures(folder);
  const dataSet = { classes: ['cell'], notes: [], images: paths.map((path, index) => fileImage({ index, id: `${index}`, size: { width: 640, height: 480 }, objects: someObjects(index), source: { kind: 'file', path, upright: false } })) };
  const results = {};
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, augment] of Object.entries(AUGMENTATIONS)) {
      const config = dataSchema.parse({ format: 'voc', root: '.', size: [side, side], augment });
      const [first, later] = await epochs(new BatchLoader({ dataSet, config, batch, seed: round, worker }));
      (results[name] ??= []).push({ first, later });
      console.error(`round ${round}, ${name}: first epoch ${words(first)}; later ${words(later)}`);
    }
  }
  const summary = Object.fromEntries(Object.entries(results).map(([name, measured]) => [name, { first: medians(measured.map(({ first }) => first)), later: medians(measured.map(({ later }) => later)) }]));
  console.log(JSON.stringify({ images: count, size: side, batch, source: process.env.BCCD_ROOT === undefined ? 'drawn' : 'BCCD', ...summary, memory: process.resourceUsage().maxRSS * 1024, partsMilliseconds: await parts(paths) }));
});

async function epochs(loader) {
  const steps = Math.floor(count / batch);
  // The thread starts and draws its first batches outside the time; what it made ahead is the same for both epochs.
  await loader.next();
  const measured = [];
  for (let epoch = 0; epoch < 2; epoch += 1) {
    const [begin, before] = [performance.now(), process.cpuUsage()];
    for (let step = 0; step < steps; step += 1) await loader.next();
    const { user, system } = process.cpuUsage(before);
    const images = steps * batch;
    measured.push({ imagesPerSecond: (1000 * images) / (performance.now() - begin), processorMilliseconds: (user + system) / 1000 / images });
  }
  await loader.dispose();
  return measured;
}

function medians(measured) {
  return { imagesPerSecond: short(median(measured.map(({ imagesPerSecond }) => imagesPerSecond))), processorMilliseconds: short(median(measured.map(({ processorMilliseconds }) => processorMilliseconds))) };
}

function words({ imagesPerSecond, processorMilliseconds }) {
  return `${imagesPerSecond.toFixed(0)} images/s (${processorMilliseconds.toFixed(2)} ms of processor an image)`;
}

/** Each part by itself, one picture after another. */
async function parts(paths) {
  const options = { failOn: 'error', ignoreIcc: true };
  const some = await Promise.all(paths.slice(0, 50).map((path) => readFile(path)));
  const each = async (work) => {
    const times = [];
    for (const bytes of some) {
      const begin = performance.now();
      await work(bytes);
      times.push(performance.now() - begin);
    }
    return short(median(times));
  };
  return {
    header: await each((bytes) => sharp(bytes).metadata()),
    decode: await each((bytes) => sharp(bytes, options).raw().toBuffer()),
    decodeAndResize: await each((bytes) => sharp(bytes, options).resize({ width: side, height: side, fit: 'fill', kernel: 'cubic' }).raw().toBuffer()),
  };
}

async function pictures(folder) {
  const given = process.env.BCCD_ROOT;
  if (given !== undefined) {
    const names = (await readdir(join(given, 'JPEGImages'))).filter((name) => name.endsWith('.jpg')).sort();
    return Array.from({ length: count }, (_, index) => join(given, 'JPEGImages', names[index % names.length]));
  }
  await mkdir(join(folder, 'pictures'));
  const paths = Array.from({ length: count }, (_, index) => join(folder, 'pictures', `${index}.jpg`));
  for (const [index, path] of paths.entries()) await writeFile(path, await drawn(mulberry(index)));
  return paths;
}

/** Cells on a pale ground, a little noise; about 20 kB as BCCD's. */
function drawn(random) {
  const cells = Array.from({ length: 18 }, () => ({ x: 640 * random(), y: 480 * random(), r: 25 + 30 * random(), hue: random() }));
  const data = new Uint8Array(640 * 480 * 3);
  for (let y = 0, at = 0; y < 480; y += 1) {
    for (let x = 0; x < 640; x += 1, at += 3) {
      const cell = cells.find((one) => (one.x - x) ** 2 + (one.y - y) ** 2 < one.r ** 2);
      const noise = 6 * (random() - 0.5);
      const [r, g, b] = cell === undefined ? [215, 205, 200] : [190, 120 + 60 * cell.hue, 130 + 40 * cell.hue];
      data.set([r + noise, g + noise, b + noise], at);
    }
  }
  return sharp(data, { raw: { width: 640, height: 480, channels: 3 } }).jpeg({ quality: 80 }).toBuffer();
}

function someObjects(seed) {
  const random = mulberry(seed);
  return Array.from({ length: 13 }, () => {
    const [x, y, r] = [540 * random(), 380 * random(), 20 + 40 * random()];
    return { box: [x, y, x + 2 * r, y + 2 * r], label: 0, area: 4 * r * r, crowd: false, difficult: false };
  });
}
