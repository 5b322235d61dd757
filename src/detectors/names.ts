/** Names of weights in MMDetection, torchvision and bare ResNet files, and MMDetection's, which are ours. */

export type Naming = 'mmdetection' | 'torchvision';
/** `backbone`: an ImageNet ResNet alone, named as torchvision does. */
export type FileNaming = Naming | 'backbone';

/** Entries that hold no weight of ours: counters, ImageNet's classifier, the data preprocessor's constants. */
const IGNORED = /(^|\.)num_batches_tracked$|^(backbone\.|backbone\.body\.)?fc\.(weight|bias)$|^data_preprocessor\.|^ema_|\.anchor_generator\./;

/** Whose names these are, or undefined if nothing is known of them. */
export function recognise(names: Iterable<string>): FileNaming | undefined {
  let found: FileNaming | undefined;
  for (const name of names) {
    if (/^backbone\.(body|fpn)\.|^head\.(classification|regression)_head\./.test(name)) return 'torchvision';
    if (/^(backbone|neck|bbox_head)\./.test(name)) found = 'mmdetection';
    else if (/^(conv1|bn1|gn1|layer\d)\./.test(name)) found ??= 'backbone';
  }
  return found;
}

/** Without the prefix that PyTorch's data-parallel wrappers add. */
export function unwrap(name: string): string {
  return name.startsWith('module.') ? name.slice('module.'.length) : name;
}

/** Our name of a file's entry; undefined if it is to be passed over in silence. */
export function ourName(name: string, naming: FileNaming): string | undefined {
  if (IGNORED.test(name)) return undefined;
  if (naming === 'mmdetection') return name;
  if (naming === 'backbone') return `backbone.${name}`;
  return fromTorchvision(name);
}

/** torchvision's older files number a tower's modules with the rectifiers between: convolution i is entry 2 i. */
function fromTorchvision(name: string): string {
  return name
    .replace(/^backbone\.body\./, 'backbone.')
    .replace(/^backbone\.fpn\.inner_blocks\.(\d+)\.(?:0\.)?(weight|bias)$/, 'neck.lateral_convs.$1.conv.$2')
    .replace(/^backbone\.fpn\.layer_blocks\.(\d+)\.(?:0\.)?(weight|bias)$/, 'neck.fpn_convs.$1.conv.$2')
    .replace(/^backbone\.fpn\.extra_blocks\.p6\./, 'neck.fpn_convs.3.conv.')
    .replace(/^backbone\.fpn\.extra_blocks\.p7\./, 'neck.fpn_convs.4.conv.')
    .replace(/^head\.classification_head\.cls_logits\./, 'bbox_head.retina_cls.')
    .replace(/^head\.regression_head\.bbox_reg\./, 'bbox_head.retina_reg.')
    .replace(/^head\.(classification|regression)_head\.conv\.(\d+)\.([01])\.(weight|bias)$/, (_, head: string, index: string, part: string, kind: string) =>
      `bbox_head.${head === 'classification' ? 'cls' : 'reg'}_convs.${index}.${part === '0' ? 'conv' : 'gn'}.${kind}`)
    .replace(/^head\.(classification|regression)_head\.conv\.(\d+)\.(weight|bias)$/, (_, head: string, index: string, kind: string) =>
      `bbox_head.${head === 'classification' ? 'cls' : 'reg'}_convs.${Number(index) / 2}.conv.${kind}`);
}

/** Our name as torchvision's present releases write it. */
export function torchvisionName(name: string): string {
  return name
    .replace(/^neck\.lateral_convs\.(\d+)\.conv\./, 'backbone.fpn.inner_blocks.$1.0.')
    .replace(/^neck\.fpn_convs\.3\.conv\./, 'backbone.fpn.extra_blocks.p6.')
    .replace(/^neck\.fpn_convs\.4\.conv\./, 'backbone.fpn.extra_blocks.p7.')
    .replace(/^neck\.fpn_convs\.(\d+)\.conv\./, 'backbone.fpn.layer_blocks.$1.0.')
    .replace(/^bbox_head\.retina_cls\./, 'head.classification_head.cls_logits.')
    .replace(/^bbox_head\.retina_reg\./, 'head.regression_head.bbox_reg.')
    .replace(/^bbox_head\.(cls|reg)_convs\.(\d+)\.(conv|gn)\./, (_, tower: string, index: string, part: string) =>
      `head.${tower === 'cls' ? 'classification' : 'regression'}_head.conv.${index}.${part === 'conv' ? '0' : '1'}.`)
    .replace(/^backbone\.(?!fpn\.)/, 'backbone.body.');
}

/** The norm that follows a convolution of the backbone: `…conv2` → `…bn2`, `…downsample.0` → `…downsample.1`; undefined elsewhere. */
export function normAfter(convolution: string): string | undefined {
  if (!convolution.startsWith('backbone.')) return undefined;
  if (convolution.endsWith('.downsample.0')) return convolution.replace(/0$/, '1');
  return /\.conv\d$/.test(convolution) ? convolution.replace(/conv(\d)$/, 'bn$1') : undefined;
}
