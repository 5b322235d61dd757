/**
 * Convolutions as one matrix product: [N H' W', k k C] × [k k C, K]. A 1 × 1 convolution's windows are its cells. Others are
 * unfolded by an op of our own (`native/kernels/unfold.cc`), where the filter is large beside the map.
 */
import { DT, type Attribute } from '../graphDef.ts';
import { type Convolution, type Ending, type Way } from './convolutions.ts';
import { beside, type Made } from './made.ts';

/** Windows up to which a product with unfolded ones is faster than oneDNN's convolution, of layers with this many channels at least. */
const MOST_WINDOWS = 256;
const LEAST_CHANNELS = 128;

export class Unfolded implements Way {
  private readonly made: Made;

  constructor(made: Made) {
    this.made = made;
  }

  suits({ filter: [size, , inputs, outputs], stride, padding, result }: Convolution): boolean {
    if (size === 1) return stride === 1;
    const margined = padding === 'valid' || (stride === 1 && size % 2 === 1);
    return margined && Math.min(inputs, outputs) >= LEAST_CHANNELS && windowsOf(result) <= MOST_WINDOWS;
  }

  forward(convolution: Convolution, x: string, filter: string, { name, bias, relu, outputs }: Ending): void {
    const { node, result } = convolution;
    const { made } = this;
    let value = this.product(`${node.name}/product`, convolution, this.rows(convolution, x), this.flatFilter(convolution, filter), 'none');
    if (bias !== undefined) value = made.add(beside(node, { name: `${node.name}/biased`, op: 'BiasAdd', input: [value, bias], attr: { T: FLOAT, data_format: { s: Buffer.from('NHWC') } } }));
    if (relu) value = made.add(beside(node, { name: `${node.name}/rectified`, op: 'Relu', input: [value], attr: { T: FLOAT } }));
    made.finish(name, value, result, node, outputs);
  }

  inputGradient(convolution: Convolution, filter: string, dy: string): void {
    const { node, map: [, height, width], map, filter: [size] } = convolution;
    const rows = this.product(`${node.name}/product`, convolution, this.flatResult(convolution, dy), this.flatFilter(convolution, filter), 'right');
    if (size === 1) this.made.finish(node.name, rows, map, node, node.outputs);
    else this.made.add(beside(node, { name: node.name, op: 'FoldMap', input: [rows], attr: { ...windows(convolution), height: { i: height }, width: { i: width } }, ...(node.outputs === undefined ? {} : { outputs: node.outputs }) }));
  }

  filterGradient(convolution: Convolution, x: string, dy: string): void {
    const { node, filter } = convolution;
    this.made.finish(node.name, this.product(`${node.name}/product`, convolution, this.rows(convolution, x), this.flatResult(convolution, dy), 'left'), filter, node, node.outputs);
  }

  private rows(convolution: Convolution, x: string): string {
    const { node, map, filter: [size, , inputs] } = convolution;
    if (size === 1) return this.made.reshaped(x, [windowsOf(map), inputs], node);
    const attr = windows(convolution);
    return this.made.once('UnfoldMap', x, { key: `unfolded_${size}_${convolution.stride}_${convolution.padding}`, attr, like: node });
  }

  private flatFilter({ node, filter: [size, , inputs, outputs] }: Convolution, filter: string): string {
    return this.made.reshaped(filter, [size * size * inputs, outputs], node);
  }

  private flatResult({ node, result }: Convolution, dy: string): string {
    return this.made.reshaped(dy, [windowsOf(result), result[3]], node);
  }

  private product(name: string, { node }: Convolution, left: string, right: string, turned: 'none' | 'left' | 'right'): string {
    return this.made.add(beside(node, { name, op: 'MatMul', input: [left, right], attr: { T: FLOAT, transpose_a: { b: turned === 'left' }, transpose_b: { b: turned === 'right' } } }));
  }
}

const FLOAT: Attribute = { type: DT.float };

function windowsOf([images, height, width]: Convolution['result']): number {
  return images * height * width;
}

function windows({ filter: [size], stride, padding }: Convolution): Record<string, Attribute> {
  return { size: { i: size }, stride: { i: stride }, margin: { i: padding === 'same' ? (size - 1) / 2 : 0 } };
}
