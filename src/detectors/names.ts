/** Names of weights in MMDetection, torchvision and bare backbone files, and MMDetection's, which are ours. */
import { fromOlderHead, fromTorchvisionHead, toTorchvisionHead } from './headNames.ts';
import { fromMobileFeatures, fromMobileSequence, toMobileFeatures } from './mobileNames.ts';

export type Naming = 'mmdetection' | 'torchvision';
/** `backbone`: an ImageNet backbone alone, named as torchvision does. */
export type FileNaming = Naming | 'backbone';

/** Entries that hold no weight of ours: counters, the data preprocessor's constants, ImageNet's classifier; MobileNetV2's last convolution is part of it. */
const IGNORED = new RegExp([
  '(^|\\.)num_batches_tracked$', '^data_preprocessor\\.', '^ema_', '\\.anchor_generator\\.', '^bbox_head\\.integral\\.project$',
  '^(backbone\\.|backbone\\.body\\.|head\\.)?fc\\.(weight|bias)$', '^classifier\\.\\d\\.(weight|bias)$',
  '^(features|backbone\\.body)\\.18\\.[01]\\.', '^(backbone\\.)?conv2\\.(conv|bn)\\.',
].join('|'));

/** Whose names these are, or undefined if nothing is known of them. */
export function recognise(names: Iterable<string>): FileNaming | undefined {
  let found: FileNaming | undefined;
  for (const name of names) {
    if (/^backbone\.(body|fpn)\.|^head\.(classification|regression)_head\./.test(name)) return 'torchvision';
    if (/^(backbone|neck|bbox_head)\./.test(name)) found = 'mmdetection';
    else if (/^(conv1|bn1|gn1|layer\d|features\.\d+)\./.test(name)) found ??= 'backbone';
  }
  return found;
}

/** Without the prefix that PyTorch's data-parallel wrappers add. */
export function unwrap(name: string): string {
  return name.startsWith('module.') ? name.slice('module.'.length) : name;
}

/** Our name of a file's entry; undefined if it is to be passed over in silence. */
export function ourName(name: string, naming: FileNaming, detector = 'retinanet'): string | undefined {
  if (IGNORED.test(name)) return undefined;
  if (naming === 'mmdetection') return name.startsWith('backbone.') ? `backbone.${fromMobileSequence(name.slice('backbone.'.length))}` : fromOlderHead(name);
  if (naming === 'backbone') return `backbone.${fromFeatures(name, 'features.') ?? fromMobileSequence(name)}`;
  return fromTorchvision(name, detector);
}

/** Our name of a MobileNetV2's entry after torchvision's prefix, without `backbone.`. */
function fromFeatures(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? fromMobileFeatures(name.slice(prefix.length)) : undefined;
}

function fromTorchvision(name: string, detector: string): string {
  const mobile = fromFeatures(name, 'backbone.body.');
  if (mobile !== undefined) return `backbone.${mobile}`;
  return fromTorchvisionHead(name, detector)
    .replace(/^backbone\.body\./, 'backbone.')
    .replace(/^backbone\.fpn\.inner_blocks\.(\d+)\.(?:0\.)?(weight|bias)$/, 'neck.lateral_convs.$1.conv.$2')
    .replace(/^backbone\.fpn\.layer_blocks\.(\d+)\.(?:0\.)?(weight|bias)$/, 'neck.fpn_convs.$1.conv.$2')
    .replace(/^backbone\.fpn\.extra_blocks\.p6\./, 'neck.fpn_convs.3.conv.')
    .replace(/^backbone\.fpn\.extra_blocks\.p7\./, 'neck.fpn_convs.4.conv.');
}

/** Our name as torchvision's present releases write it. */
export function torchvisionName(name: string, detector = 'retinanet'): string {
  const mobile = name.startsWith('backbone.') ? toMobileFeatures(name.slice('backbone.'.length)) : undefined;
  if (mobile !== undefined) return `backbone.body.${mobile}`;
  return toTorchvisionHead(name, detector)
    .replace(/^neck\.lateral_convs\.(\d+)\.conv\./, 'backbone.fpn.inner_blocks.$1.0.')
    .replace(/^neck\.fpn_convs\.3\.conv\./, 'backbone.fpn.extra_blocks.p6.')
    .replace(/^neck\.fpn_convs\.4\.conv\./, 'backbone.fpn.extra_blocks.p7.')
    .replace(/^neck\.fpn_convs\.(\d+)\.conv\./, 'backbone.fpn.layer_blocks.$1.0.')
    .replace(/^backbone\.(?!fpn\.)/, 'backbone.body.');
}

/** The norm that follows a convolution of the backbone: `…conv2` → `…bn2`, `…downsample.0` → `…downsample.1`, `….conv` → `….bn`; undefined elsewhere. */
export function normAfter(convolution: string): string | undefined {
  if (!convolution.startsWith('backbone.')) return undefined;
  if (convolution.endsWith('.downsample.0')) return convolution.replace(/0$/, '1');
  if (convolution.endsWith('.conv')) return convolution.replace(/conv$/, 'bn');
  return /\.conv\d$/.test(convolution) ? convolution.replace(/conv(\d)$/, 'bn$1') : undefined;
}
