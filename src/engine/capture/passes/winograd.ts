/**
 * 3 × 3 convolutions with stride 1 and one cell of padding by Winograd's minimal filtering F(4 × 4, 3 × 3) (Lavin & Gray 2016), with
 * a quarter of the multiplications: 36 matrix products between ops of our own (`native/kernels/winograd.cc`). What the forward pass
 * and the gradients need of a map, a filter or a gradient is made once. Results differ from direct sums by twice what those differ
 * from exact ones.
 */
import { DT } from '../graphDef.ts';
import { type Convolution, type Ending, type Way } from './convolutions.ts';
import { beside, type Made } from './made.ts';

const LANES = 16;
const TILE = 4;
/** With fewer tiles, or fewer of their cells in use, the transforms (of the filter above all) take what the products save. */
const LEAST_TILES = 16;
const LEAST_USE = 0.5;

export class Winograd implements Way {
  private readonly made: Made;

  constructor(made: Made) {
    this.made = made;
  }

  suits({ filter: [size, , inputs, outputs], stride, padding, map: [images, height, width] }: Convolution): boolean {
    if (size !== 3 || stride !== 1 || padding !== 'same' || inputs % LANES !== 0 || outputs % LANES !== 0) return false;
    const tiles = images * Math.ceil(height / TILE) * Math.ceil(width / TILE);
    return tiles >= LEAST_TILES && images * height * width >= LEAST_USE * tiles * TILE * TILE;
  }

  forward(convolution: Convolution, x: string, filter: string, { name, bias, relu, outputs }: Ending): void {
    const { node } = convolution;
    const products = this.products(convolution, this.of('WinogradTiles', x, convolution), this.of('WinogradFilter', filter, convolution), 'none');
    this.made.add(beside(node, {
      name, op: bias === undefined ? 'WinogradOutput' : 'WinogradOutputBias', input: [products, x, ...(bias === undefined ? [] : [bias])], attr: { relu: { i: relu ? 1 : 0 } }, outputs,
    }));
  }

  inputGradient(convolution: Convolution, filter: string, dy: string): void {
    const { node } = convolution;
    const products = this.products(convolution, this.of('WinogradOutputGrad', dy, convolution), this.of('WinogradFilter', filter, convolution), 'right');
    this.made.add(beside(node, { name: node.name, op: 'WinogradInputGrad', input: [products, dy], outputs: node.outputs ?? [] }));
  }

  filterGradient(convolution: Convolution, x: string, dy: string): void {
    const { node } = convolution;
    const products = this.products(convolution, this.of('WinogradTiles', x, convolution), this.of('WinogradOutputGrad', dy, convolution), 'left');
    this.made.add(beside(node, { name: node.name, op: 'WinogradFilterGrad', input: [products], outputs: node.outputs ?? [] }));
  }

  private of(op: string, source: string, { node }: Convolution): string {
    return this.made.once(op, source, { like: node });
  }

  private products({ node }: Convolution, left: string, right: string, turned: 'none' | 'left' | 'right'): string {
    return this.made.add(beside(node, { name: `${node.name}/products`, op: 'BatchMatMulV2', input: [left, right], attr: { T: { type: DT.float }, adj_x: { b: turned === 'left' }, adj_y: { b: turned === 'right' } } }));
  }
}
