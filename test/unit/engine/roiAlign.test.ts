import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Box } from '../../../src/engine/boxes.ts';
import { type HostTensor, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { fpnLevel, pooledLevels, pooledRegions, regionInputs, roiMatrices, scaleLevel, type RoiSampling } from '../../../src/engine/ops/roiAlign.ts';
import { randomMap } from '../distillers/support.ts';

beforeAll(() => tf.setBackend('cpu'));

const asTensor = ({ data, shape }: HostTensor): tf.Tensor => tf.tensor(data, [...shape]);
const fed = (inputs: HostTensors): Record<string, tf.Tensor> => Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, asTensor(value)]));

/** torchvision's roi_align, loop by loop: [R, G, G, C]. */
function plainRoiAlign(map: HostTensor, image: number, boxes: readonly Box[], stride: number, { output, samples, aligned }: RoiSampling): number[] {
  const [, height = 0, width = 0, channels = 0] = map.shape;
  const value = (y: number, x: number, channel: number): number => map.data[((image * height + y) * width + x) * channels + channel] ?? Number.NaN;
  const shift = aligned ? 0.5 : 0;
  const bilinear = (y0: number, x0: number, channel: number): number => {
    if (y0 < -1 || y0 > height || x0 < -1 || x0 > width) return 0;
    let [y, x] = [Math.max(y0, 0), Math.max(x0, 0)];
    let [yLow, xLow] = [Math.floor(y), Math.floor(x)];
    let [yHigh, xHigh] = [yLow + 1, xLow + 1];
    if (yLow >= height - 1) y = yLow = yHigh = height - 1;
    if (xLow >= width - 1) x = xLow = xHigh = width - 1;
    const [ly, lx] = [y - yLow, x - xLow];
    return (1 - ly) * (1 - lx) * value(yLow, xLow, channel) + (1 - ly) * lx * value(yLow, xHigh, channel) + ly * (1 - lx) * value(yHigh, xLow, channel) + ly * lx * value(yHigh, xHigh, channel);
  };
  return boxes.flatMap(([x1, y1, x2, y2]) => {
    const [startX, startY] = [x1 / stride - shift, y1 / stride - shift];
    let [sideX, sideY] = [x2 / stride - shift - startX, y2 / stride - shift - startY];
    if (!aligned) [sideX, sideY] = [Math.max(sideX, 1), Math.max(sideY, 1)];
    const [binX, binY] = [sideX / output, sideY / output];
    const [countX, countY] = samples === 'adaptive' ? [Math.ceil(binX), Math.ceil(binY)] : [samples, samples];
    return Array.from({ length: output * output * channels }, (_, index) => {
      const [channel, column, row] = [index % channels, Math.floor(index / channels) % output, Math.floor(index / channels / output)];
      let sum = 0;
      for (let iy = 0; iy < countY; iy += 1) {
        for (let ix = 0; ix < countX; ix += 1) {
          sum += bilinear(startY + row * binY + ((iy + 0.5) * binY) / countY, startX + column * binX + ((ix + 0.5) * binX) / countX, channel);
        }
      }
      return sum / Math.max(countX * countY, 1);
    });
  });
}

/** Inside, tiny, without area, over the edges, all outside, larger than the map, thin. */
const BOXES: readonly Box[] = [[3, 4, 20, 30], [10, 10, 11, 11], [17, 9, 17, 9], [-14, -6, 9, 12], [50, 30, 90, 70], [200, 200, 240, 260], [-20, -20, 90, 80], [5, 1, 7, 39]];

const SAMPLINGS: readonly RoiSampling[] = [
  { output: 7, samples: 2, aligned: true }, { output: 3, samples: 'adaptive', aligned: true },
  { output: 3, samples: 'adaptive', aligned: false }, { output: 2, samples: 1, aligned: false },
];

describe('RoIAlign', () => {
  it.each(SAMPLINGS.flatMap((sampling) => [4, 8].map((stride) => [sampling, stride] as const)))('%o at stride %d agrees with a plain loop', (sampling, stride) => {
    const map = randomMap([2, 5, 7, 3], 4);
    const maps = [{ rows: 5, columns: 7, stride }];
    const inputs = fed(regionInputs('rois', [BOXES, BOXES.slice(2, 4)], { maps, sampling, slots: BOXES.length }));
    const regions = pooledRegions('rois', [asTensor(map) as tf.Tensor4D], inputs);
    expect(regions.shape).toEqual([2 * BOXES.length, sampling.output, sampling.output, 3]);
    const expected = [...plainRoiAlign(map, 0, BOXES, stride, sampling), ...plainRoiAlign(map, 1, BOXES.slice(2, 4), stride, sampling)];
    const got = regions.dataSync();
    expected.forEach((value, index) => { expect(got[index]).toBeCloseTo(value, 5); });
    expect([...got.slice(expected.length)].every((value) => value === 0), 'slots without a box').toBe(true);
    expect([...inputs['rois.filled']?.dataSync() ?? []]).toEqual([...BOXES.map(() => 1), 1, 1, ...BOXES.slice(2).map(() => 0)]);
  });

  it('is linear in the map: its gradient is what each cell gave', () => {
    const sampling: RoiSampling = { output: 3, samples: 2, aligned: true };
    const inputs = fed(regionInputs('rois', [BOXES], { maps: [{ rows: 5, columns: 7, stride: 8 }], sampling, slots: BOXES.length }));
    const [map, weights] = [asTensor(randomMap([1, 5, 7, 2], 5)) as tf.Tensor4D, asTensor(randomMap([BOXES.length, 3, 3, 2], 6))];
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.sum(tf.mul(pooledRegions('rois', [x as tf.Tensor4D], inputs), weights)))(map);
    expect(tf.sum(tf.mul(grad, map)).dataSync()[0]).toBeCloseTo(value.dataSync()[0] ?? Number.NaN, 3);
    expect([...grad.dataSync()].some((cell) => cell !== 0)).toBe(true);
  });

  it('takes each box from its own level, or from all', () => {
    const maps = [{ rows: 8, columns: 8, stride: 8 }, { rows: 4, columns: 4, stride: 16 }];
    const sampling: RoiSampling = { output: 2, samples: 2, aligned: true };
    const boxes: Box[] = [[1, 1, 20, 20], [2, 1, 62, 63]];
    const tensors = [randomMap([1, 8, 8, 1], 1), randomMap([1, 4, 4, 1], 2)];
    const features = tensors.map((map) => asTensor(map) as tf.Tensor4D);
    const owned = pooledRegions('r', features, fed(regionInputs('r', [boxes], { maps, sampling, slots: 2, levelOf: scaleLevel(28) }))).dataSync();
    const expected = boxes.flatMap((box, index) => plainRoiAlign(tensors[index] ?? randomMap([1, 1, 1, 1], 0), 0, [box], 8 * (index + 1), sampling));
    expected.forEach((value, index) => { expect(owned[index]).toBeCloseTo(value, 5); });
    const everywhere = pooledLevels('r', features, fed(regionInputs('r', [boxes], { maps, sampling, slots: 2 }))).map((level) => [...level.dataSync()]);
    everywhere.forEach((level, index) => { plainRoiAlign(tensors[index] ?? randomMap([1, 1, 1, 1], 0), 0, boxes, 8 * (index + 1), sampling).forEach((value, position) => { expect(level[position]).toBeCloseTo(value, 5); }); });
  });

  it('keeps boxes that are no numbers, or endless, at 0', () => {
    const { rows, columns } = roiMatrices([[Number.NaN, 0, 4, 4], [0, 0, Infinity, 4]], { rows: 3, columns: 3, stride: 8 }, { output: 2, samples: 'adaptive', aligned: true });
    expect([...rows, ...columns].every(Number.isFinite)).toBe(true);
  });

  it('levels follow the usual rules', () => {
    const square = (side: number): Box => [10, 10, 10 + side, 10 + side];
    expect([10, 111, 112, 223, 224, 448, 5000].map((side) => fpnLevel(3)(square(side), 5))).toEqual([0, 0, 0, 0, 1, 2, 4]);
    expect([10, 56, 111, 112, 448, 5000].map((side) => scaleLevel()(square(side), 4))).toEqual([0, 0, 0, 1, 3, 3]);
    expect([110, 111].map((side) => scaleLevel(56, 1)(square(side), 4))).toEqual([0, 1]);
    expect([fpnLevel(3)([1, 1, 1, 1], 5), scaleLevel()([5, 5, 1, 1], 4)]).toEqual([0, 0]);
  });
});
