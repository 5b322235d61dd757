/** The adapter of most methods: a 1×1 convolution with bias of the student's maps, as `torch.nn.Conv2d` starts it, trained and thrown away. */
import { conv2d, type Layer } from '../../engine/layers/conv.ts';
import { pytorchBias } from '../../engine/layers/init.ts';
import { type Parameters } from '../../engine/parameters.ts';

/** @param name `distill.<method>.<level>.<part>` */
export function alignment(parameters: Parameters, name: string, from: number, to: number): Layer {
  return conv2d(parameters, name, { in: from, out: to, kernel: 1, biasInit: pytorchBias(from) });
}

/** The same only where widths differ; elsewhere maps stay as they are. */
export function alignmentIfNeeded(parameters: Parameters, name: string, from: number, to: number): Layer {
  return from === to ? (x) => x : alignment(parameters, name, from, to);
}
