/**
 * 3 × 3 convolutions with stride 1 and one cell of padding by Winograd's minimal filtering F(4 × 4, 3 × 3) (Lavin & Gray 2016), with
 * a quarter of the multiplications: 36 matrix products between ops of our own (`native/kernels/winograd.cc`). What the forward pass
 * and the gradients need of a map, a filter or a gradient is made once. Results differ from direct sums by twice what those differ
 * from exact ones.
 */
import { DT } from '../graphDef.ts';
import { type Convolution, type Ending, type Way } from './convolutions.ts';
import { producer } from './graph.ts';
import { beside, type Made } from './made.ts';

const LANES = 16;
const TILE = 4;
/** With fewer tiles, or fewer of their cells in use, the transforms (of the filter above all) take what the products save. */
const LEAST_TILES = 16;
const LEAST_USE = 0.5;
/** Transforms of more bytes than this are made again for the backward pass: they are four times the filter, and twice the map, in size. */
const MOST_KEPT = 10e6;
const PRODUCTS = 36;

export class Winograd implements Way {
  private readonly made: Made;

  constructor(made: Made) {
    this.made = made;
  }

  suits({ filter: [size, , inputs, outputs], stride, padding, map: [images, height, width] }: Convolution): boolean {
    if (size !== 3 || stride !== 1 || padding !== 'same' || inputs % LANES !== 0 || outputs % LANES !== 0) return false;
    const tiles = tilesOf(images, height, width);
    return tiles >= LEAST_TILES && images * height * width >= LEAST_USE * tiles * TILE * TILE;
  }

  forward(convolution: Convolution, x: string, filter: string, { name, bias, relu, outputs }: Ending): void {
    const { node } = convolution;
    // Not before the map is there: the filters of all layers would be turned first, and held until their turn.
    const turned = this.made.once('WinogradFilter', filter, { input: [`^${producer(x)}`], like: node });
    const products = this.products(convolution, this.of('WinogradTiles', x, convolution), turned, 'none');
    this.made.add(beside(node, {
      name, op: bias === undefined ? 'WinogradOutput' : 'WinogradOutputBias', input: [products, x, ...(bias === undefined ? [] : [bias])], attr: { relu: { i: relu ? 1 : 0 } }, outputs,
    }));
  }

  inputGradient(convolution: Convolution, filter: string, dy: string): void {
    const { node } = convolution;
    const products = this.products(convolution, this.of('WinogradOutputGrad', dy, convolution), this.again('WinogradFilter', filter, convolution, dy), 'right');
    this.made.add(beside(node, { name: node.name, op: 'WinogradInputGrad', input: [products, dy], outputs: node.outputs ?? [] }));
  }

  filterGradient(convolution: Convolution, x: string, dy: string): void {
    const { node } = convolution;
    const products = this.products(convolution, this.again('WinogradTiles', x, convolution, dy), this.of('WinogradOutputGrad', dy, convolution), 'left');
    this.made.add(beside(node, { name: node.name, op: 'WinogradFilterGrad', input: [products], outputs: node.outputs ?? [] }));
  }

  private of(op: string, source: string, { node }: Convolution): string {
    return this.made.once(op, source, { like: node });
  }

  /** For a gradient: what the forward pass made if that is small, else anew, once the gradient that it meets is there. */
  private again(op: 'WinogradFilter' | 'WinogradTiles', source: string, convolution: Convolution, dy: string): string {
    const { node, map: [images, height, width, channels], filter: [, , inputs, outputs] } = convolution;
    const values = PRODUCTS * (op === 'WinogradFilter' ? inputs * outputs : tilesOf(images, height, width) * channels);
    if (values * Float32Array.BYTES_PER_ELEMENT <= MOST_KEPT) return this.of(op, source, convolution);
    return this.made.once(op, source, { key: `${op}_again`, input: [`^${producer(dy)}`], like: node });
  }

  private products({ node }: Convolution, left: string, right: string, turned: 'none' | 'left' | 'right'): string {
    return this.made.add(beside(node, { name: `${node.name}/products`, op: 'BatchMatMulV2', input: [left, right], attr: { T: { type: DT.float }, adj_x: { b: turned === 'left' }, adj_y: { b: turned === 'right' } } }));
  }
}

function tilesOf(images: number, height: number, width: number): number {
  return images * Math.ceil(height / TILE) * Math.ceil(width / TILE);
}
