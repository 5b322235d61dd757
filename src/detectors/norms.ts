/** Which norm a network uses, under MMDetection's names (`bn1`, `gn1`). */
import { batchNorm, type NormLayer } from '../engine/layers/batchNorm.ts';
import { groupNorm, groupsFor } from '../engine/layers/groupNorm.ts';
import { type Parameters } from '../engine/parameters.ts';

/**
 * `batch`: batch statistics in training. `frozen`: running values always, scale and offset learn. `constant`: they do not learn either.
 * `folded`: no norm, the convolution before it has taken its numbers. `group`: group norm.
 */
export type NormKind = 'batch' | 'frozen' | 'constant' | 'folded' | 'group';

export interface NormSettings {
  readonly kind: NormKind;
  /** Wanted number of groups; fewer where the channels do not divide. */
  readonly groups: number;
  readonly trainable: boolean;
}

export function createNorm(parameters: Parameters, name: string, channels: number, settings: NormSettings): NormLayer {
  switch (settings.kind) {
    case 'folded':
      return (x) => x;
    case 'group': {
      const layer = groupNorm(parameters, name, { channels, groups: groupsFor(channels, settings.groups), trainable: settings.trainable });
      return (x) => layer(x);
    }
    case 'batch':
    case 'frozen':
    case 'constant':
      return batchNorm(parameters, name, {
        channels,
        statistics: settings.kind === 'batch' ? 'batch' : 'frozen',
        trainable: settings.trainable && settings.kind !== 'constant',
      });
  }
}

/** `bn` or `gn`: how MMDetection names a norm inside a block. */
export function normPrefix(kind: NormKind): 'bn' | 'gn' {
  return kind === 'group' ? 'gn' : 'bn';
}
