/**
 * The three ways in which MobileNetV2's weights are named. Ours are MMDetection's: `layer2.0.expand_conv.conv.weight`.
 * torchvision numbers blocks from one end to the other and the modules in them: `2.conv.0.0.weight` after `features.` or `backbone.body.`.
 * MMPretrain numbers the modules of a block only: `layer2.0.conv.0.conv.weight`.
 */
import { MOBILE_LAYERS, type MobileLayer } from './mobileNet.ts';

/** The convolutions of a block: the first layer widens nothing. */
function partsOf({ expansion }: MobileLayer): string[] {
  return expansion === 1 ? ['depthwise_conv', 'linear_conv'] : ['expand_conv', 'depthwise_conv', 'linear_conv'];
}

/** Ours and torchvision's name of every module. Group norm keeps its name there, so that it is known again. */
function modules(): [ours: string, theirs: string][] {
  const pairs: [string, string][] = [['conv1.conv', '0.0'], ['conv1.bn', '0.1'], ['conv1.gn', '0.gn']];
  let feature = 1;
  for (const [index, layer] of MOBILE_LAYERS.entries()) {
    for (let block = 0; block < layer.blocks; block += 1, feature += 1) {
      for (const [position, part] of partsOf(layer).entries()) {
        const [ours, theirs] = [`layer${index + 1}.${block}.${part}`, `${feature}.conv.${position}`];
        // The last convolution and its norm stand in the block itself, the others in modules of their own.
        const [conv, norm] = part === 'linear_conv' ? [theirs, `${feature}.conv.${position + 1}`] : [`${theirs}.0`, `${theirs}.1`];
        pairs.push([`${ours}.conv`, conv], [`${ours}.bn`, norm], [`${ours}.gn`, `${theirs}.gn`]);
      }
    }
  }
  return pairs;
}

const MODULES = modules();
const THEIRS = new Map(MODULES);
const OURS = new Map(MODULES.map(([ours, theirs]) => [theirs, ours]));

function rename(name: string, table: ReadonlyMap<string, string>): string | undefined {
  const dot = name.lastIndexOf('.');
  const module = table.get(name.slice(0, Math.max(0, dot)));
  return module === undefined ? undefined : module + name.slice(dot);
}

/** Our name of a torchvision entry, from the block's number on; undefined if it is no MobileNetV2's. */
export function fromMobileFeatures(name: string): string | undefined {
  return rename(name, OURS);
}

/** The inverse of `fromMobileFeatures`. */
export function toMobileFeatures(name: string): string | undefined {
  return rename(name, THEIRS);
}

/** Our name of an MMPretrain entry; any other name as it is. */
export function fromMobileSequence(name: string): string {
  return name.replace(/^layer(\d)\.(\d+)\.conv\.(\d)\.(?=(?:conv|bn|gn)\.)/, (whole, number: string, block: string, position: string) => {
    const layer = MOBILE_LAYERS[Number(number) - 1];
    const part = layer === undefined ? undefined : partsOf(layer)[Number(position)];
    return part === undefined ? whole : `layer${number}.${block}.${part}.`;
  });
}
