/** Names of heads in torchvision's files and in MMDetection's older ones, and MMDetection's present ones, which are ours. */

/** The layer of a detector's head that puts out classes, with its dot. */
export function classLayer(detector: string): string {
  return `bbox_head.${CLASSIFIERS[detector] ?? 'retina_cls'}.`;
}

const CLASSIFIERS: Readonly<Record<string, string>> = { retinanet: 'retina_cls', fcos: 'conv_cls', atss: 'atss_cls', gfl: 'gfl_cls' };

interface HeadNames {
  /** torchvision's output layer and ours. */
  readonly outputs: readonly (readonly [theirs: string, ours: string])[];
  /** Entries of torchvision's `conv` list that one block of a tower takes: RetinaNet's blocks are lists themselves, FCOS's lie flat with their rectifiers. */
  readonly blockEntries: 1 | 3;
}

const TORCHVISION: Readonly<Record<string, HeadNames>> = {
  retinanet: { outputs: [['classification_head.cls_logits', 'retina_cls'], ['regression_head.bbox_reg', 'retina_reg']], blockEntries: 1 },
  fcos: {
    outputs: [['classification_head.cls_logits', 'conv_cls'], ['regression_head.bbox_reg', 'conv_reg'], ['regression_head.bbox_ctrness', 'conv_centerness']],
    blockEntries: 3,
  },
};

/** Whether torchvision has this detector at all. */
export function inTorchvision(detector: string): boolean {
  return TORCHVISION[detector] !== undefined;
}

/**
 * A head's entry of a torchvision file. RetinaNet's older files number a tower's modules with the rectifiers between: convolution i is entry 2 i.
 * @returns the name itself where it is not a head's
 */
export function fromTorchvisionHead(name: string, detector: string): string {
  const { outputs, blockEntries } = TORCHVISION[detector] ?? { outputs: [], blockEntries: 1 };
  for (const [theirs, ours] of outputs) {
    if (name.startsWith(`head.${theirs}.`)) return name.replace(`head.${theirs}.`, `bbox_head.${ours}.`);
  }
  return name
    .replace(/^head\.(classification|regression)_head\.conv\.(\d+)\.([01])\.(weight|bias)$/, (_, head: string, index: string, part: string, kind: string) => `${towerOf(head)}.${index}.${part === '0' ? 'conv' : 'gn'}.${kind}`)
    .replace(/^head\.(classification|regression)_head\.conv\.(\d+)\.(weight|bias)$/, (_, head: string, index: string, kind: string) => {
      const [entries, entry] = [blockEntries === 3 ? 3 : 2, Number(index)];
      return `${towerOf(head)}.${Math.floor(entry / entries)}.${entry % entries === 0 ? 'conv' : 'gn'}.${kind}`;
    });
}

/** A head's entry as torchvision's present releases write it. */
export function toTorchvisionHead(name: string, detector: string): string {
  const { outputs, blockEntries } = TORCHVISION[detector] ?? { outputs: [], blockEntries: 1 };
  for (const [theirs, ours] of outputs) {
    if (name.startsWith(`bbox_head.${ours}.`)) return name.replace(`bbox_head.${ours}.`, `head.${theirs}.`);
  }
  return name.replace(/^bbox_head\.(cls|reg)_convs\.(\d+)\.(conv|gn)\./, (_, tower: string, index: string, part: string) => {
    const within = part === 'conv' ? 0 : 1;
    return `head.${tower === 'cls' ? 'classification' : 'regression'}_head.conv.${blockEntries === 3 ? Number(index) * 3 + within : `${index}.${within}`}.`;
  });
}

function towerOf(head: string): string {
  return `bbox_head.${head === 'classification' ? 'cls' : 'reg'}_convs`;
}

/** MMDetection before 2.0 called FCOS's output layers by the detector's name. */
export function fromOlderHead(name: string): string {
  return name.replace(/^bbox_head\.fcos_(cls|reg|centerness)\./, 'bbox_head.conv_$1.');
}
