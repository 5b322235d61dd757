/** Boxes with label and score drawn over an image. */
import sharp from 'sharp';
import { type RawImage } from '../data/sample.ts';
import { escapeSigns } from '../markup.ts';
import { type PredictedImage } from './predict.ts';

/** Apart in hue and legible on most images; a class keeps its colour by its name. */
const COLOURS = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#17becf', '#bcbd22'];

export async function drawDetections({ width, height, data }: RawImage, detections: PredictedImage['detections'], file: string): Promise<void> {
  const stroke = Math.max(1, Math.round(Math.min(width, height) / 200));
  const font = Math.max(9, Math.round(Math.min(width, height) / 30));
  const shapes = detections.map(({ box: [x1, y1, x2, y2], label, score }) => {
    const colour = COLOURS[hash(label) % COLOURS.length] as string;
    const text = `${escapeSigns(label)} ${(100 * score).toFixed(0)}`;
    const baseline = y1 > font + 2 ? y1 - 3 : y1 + font;
    return `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="${colour}" stroke-width="${stroke}"/>
<text x="${x1 + 2}" y="${baseline}" font-family="sans-serif" font-size="${font}" fill="${colour}" stroke="white" stroke-width="${font / 6}" paint-order="stroke">${text}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('\n')}</svg>`;
  await sharp(data, { raw: { width, height, channels: 3 } }).composite([{ input: Buffer.from(svg) }]).png().toFile(file);
}

function hash(text: string): number {
  return Array.from(Buffer.from(text)).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
}
