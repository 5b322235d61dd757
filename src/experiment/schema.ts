/**
 * The experiment file as a schema: the single source of types, validation, JSON Schema, completion and hover text.
 *
 * `description` says what a key means, and `unit` in `.meta` what its numbers count; hovers show both. Papers are in `papers.ts`.
 * Methods' own options are in `methods/`.
 */
import { z } from 'zod';
import { methodSchema } from './methods/index.ts';
import { launchSchema, seedsSchema, sweepSchema } from './sweepSchema.ts';

export { methodSchema, type MethodConfig } from './methods/index.ts';

const positive = z.number().positive();
const fraction = z.number().min(0).max(1);
const count = z.int().min(1);
const path = z.string().min(1);

const normalize = z.strictObject({
  mean: z.tuple([z.number(), z.number(), z.number()]).default([123.675, 116.28, 103.53]).describe('Mean of red, green and blue over the images that the backbone was pretrained on.').meta({ unit: 'pixel values, 0 to 255' }),
  std: z.tuple([positive, positive, positive]).default([58.395, 57.12, 57.375]).describe('Standard deviation of red, green and blue over the same images.').meta({ unit: 'pixel values, 0 to 255' }),
}).describe('Subtracted from and divided into the RGB values (0 to 255) of every image. Default: ImageNet\'s.');

const augment = z.strictObject({
  flip: fraction.default(0.5).describe('Chance of a horizontal flip.').meta({ unit: 'chance, 0 to 1' }),
  flipVertical: fraction.default(0).describe('Chance of a vertical flip; for images without an up, such as cells or aerial views.').meta({ unit: 'chance, 0 to 1' }),
  scale: z.tuple([positive, positive]).default([1, 1]).describe('Scale jitter: the image is resized by a factor drawn between these two, then cropped or padded.').meta({ unit: 'factor' }),
  photometric: fraction.default(0).describe('Strength of brightness, contrast and saturation jitter; 0 is off.').meta({ unit: 'strength, 0 to 1' }),
  mosaic: fraction.default(0).describe('Chance that four images are joined into one.').meta({ unit: 'chance, 0 to 1' }),
  sizeAware: z.strictObject({
    small: positive.default(32).describe('Objects are small below this side squared, in pixels of the original image.').meta({ unit: 'pixels' }),
    noise: fraction.default(0.3).describe('Chance of noise for an image whose objects are all small (or that has none).').meta({ unit: 'chance, 0 to 1' }),
    crop: z.tuple([fraction, fraction]).default([0.8, 1]).describe('All other images are cropped to a part of each side, drawn between these two.').meta({ unit: 'part of a side' }),
  }).optional().describe('Changes that depend on the sizes of an image\'s objects, as the method `ikd` was published with. Left out: none. Joined images (`mosaic`) are left alone.'),
}).describe('Random changes of training images. Validation images are never changed.');

const dataCommon = {
  classes: z.array(z.string().min(1)).min(1).optional().describe('Class names, in the order of the network\'s outputs. Left out: all classes of the training set, sorted as its format lists them.'),
  size: z.tuple([z.int().min(32), z.int().min(32)]).describe('Network input [height, width] in pixels: multiples of 32, the stride at which the pyramid\'s levels are added up.').meta({ unit: 'pixels' }),
  resize: z.enum(['stretch', 'letterbox']).default('letterbox').describe('`letterbox` keeps the aspect ratio and pads right and below; `stretch` fills the input.'),
  normalize: normalize.prefault({}),
  augment: augment.prefault({}),
};

const split = z.strictObject({
  annotations: path.describe('COCO JSON file, relative to `root`.'),
  images: path.describe('Folder of the images, relative to `root`.'),
});

export const dataSchema = z.discriminatedUnion('format', [
  z.strictObject({
    format: z.literal('scenes').describe('Drawn scenes made on the fly from a seed; no download.'),
    train: count.default(1500).describe('Number of training scenes.').meta({ unit: 'scenes' }),
    val: count.default(200).describe('Number of validation scenes.').meta({ unit: 'scenes' }),
    seed: z.int().min(0).default(0).describe('Seed of the scenes; teacher and student should see scenes of the same kind.'),
    ...dataCommon,
  }),
  z.strictObject({ format: z.literal('coco').describe('COCO JSON annotations.'), root: path.describe('Folder that the other paths start at; may hold `${env:NAME}`.'), train: split.describe('Images to train on, with their annotations.'), val: split.describe('Images to measure on, with their annotations.'), ...dataCommon }),
  z.strictObject({
    format: z.literal('voc').describe('Pascal VOC folder: one XML file an image.'),
    root: path.describe('Folder with Annotations, ImageSets and JPEGImages; may hold `${env:NAME}`.'),
    train: z.string().default('train').describe('Name of the list in ImageSets (or ImageSets/Main).'),
    val: z.string().default('val').describe('Name of the list of validation images.'),
    ...dataCommon,
  }),
  z.strictObject({
    format: z.literal('yolo').describe('YOLO text labels with their data.yaml.'),
    root: path.describe('Folder that the paths in `config` are relative to.'),
    config: path.default('data.yaml').describe('The data set\'s data.yaml with `train`, `val` and `names`.'),
    ...dataCommon,
  }),
]);

const neck = z.strictObject({
  channels: count.optional().describe('Width of every level. Default 256 for large backbones, 48 for `small` and `tiny`.').meta({ unit: 'channels' }),
  levels: z.int().min(1).max(5).optional().describe('Number of levels from P3 on. Default 5 for large backbones, 3 for `small` and `tiny`.').meta({ unit: 'levels' }),
  p6From: z.enum(['c5', 'p5']).optional().describe('What P6 is made from. Default `c5` for RetinaNet (torchvision\'s first one has `p5`), `p5` for the others.'),
});

const head = z.strictObject({
  convs: z.int().min(0).max(8).optional().describe('3×3 convolutions in each tower. Default 4 for large backbones, 2 for `small` and `tiny`.').meta({ unit: 'convolutions' }),
  norm: z.enum(['none', 'group']).optional().describe('Norm after the towers\' convolutions. Default `none` for RetinaNet with a large backbone, else `group`.'),
  bias: z.boolean().optional().describe('Whether the towers\' convolutions have biases although a norm follows. Default: as torchvision\'s FCOS does with `preset: torchvision`, else not.'),
});

const anchors = z.strictObject({
  base: positive.optional().describe('Side of the smallest anchor in strides. Default for RetinaNet 4 with large backbones, 1.8 with `small` and `tiny`; for ATSS and GFL 8 and 2.').meta({ unit: 'strides' }),
  octaves: count.optional().describe('Sizes in each octave (RetinaNet only). Default 3.'),
  ratios: z.array(positive).min(1).optional().describe('Height / width of the anchors (RetinaNet only). Default 0.5, 1, 2 for large backbones, 1 for `small` and `tiny`.').meta({ unit: 'height / width' }),
  rounded: z.boolean().optional().describe('Round corners to whole pixels, as torchvision does (RetinaNet only).'),
});

const fcos = z.strictObject({
  centerSampling: z.number().min(0).optional().describe('Farthest that a point may be from the centre of the object it serves, along each axis, in strides; 0: anywhere in its box. Default 1.5; 0 for large backbones with `preset: mmdetection`.').meta({ unit: 'strides' }),
  range: positive.optional().describe('Longest distance from a point to a side that a level serves, in its strides; the next level begins there. Default 8 for large backbones, 2.5 for `small` and `tiny`.').meta({ unit: 'strides' }),
  distances: z.enum(['pixels', 'strides']).optional().describe('What the box output means: `pixels` as logarithms, or `strides`, cut off at 0. Default `strides`; `pixels` for large backbones with `preset: mmdetection`.'),
  centernessOn: z.enum(['classification', 'regression']).optional().describe('The tower that centerness is predicted from. Default `regression`; `classification` for large backbones with `preset: mmdetection`.'),
  boxLoss: z.enum(['iou', 'giou']).optional().describe('Loss of the boxes: −ln IoU, or 1 − GIoU. Default `giou`; `iou` for large backbones with `preset: mmdetection`.'),
});

const gfl = z.strictObject({
  bins: z.int().min(2).max(64).default(17).describe('Bins of each side\'s distribution, one a stride from 0 on: MMDetection\'s `reg_max` + 1.').meta({ unit: 'bins' }),
});

export const BACKBONES = [
  'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnext50_32x4d', 'resnext101_32x4d', 'resnext101_64x4d', 'mobilenet_v2', 'small', 'tiny',
] as const;

export const DETECTORS = ['retinanet', 'fcos', 'atss', 'gfl'] as const;

export const detectorSchema = z.strictObject({
  detector: z.enum(DETECTORS).describe('The detector.'),
  backbone: z.enum(BACKBONES).describe('`resnet…`; `resnext…`, ResNets with 3×3 convolutions in groups; `mobilenet_v2`, for phones (1.8 M weights, 10 M with neck and head). `small` (1.2 M with both) and `tiny` (0.3 M) are for small images and train from scratch in minutes.'),
  norm: z.enum(['batch', 'group', 'frozen']).optional().describe('Norm of the backbone. `frozen` keeps batch norm\'s running values (usual when fine-tuning); default `frozen` for large backbones with weights, else `batch`.'),
  style: z.enum(['pytorch', 'caffe']).default('pytorch').describe('Where a bottleneck block (from ResNet-50 on) halves the map: in its 3×3 convolution, or in its first 1×1 as in the files that MMDetection calls `caffe`, such as its FCOS. Weights do not show it.'),
  neck: neck.prefault({}).describe('The feature pyramid (FPN).'),
  head: head.prefault({}).describe('The towers of convolutions that predict classes and boxes.'),
  anchors: anchors.prefault({}).describe('The boxes that predictions start from; FCOS has points instead.'),
  fcos: fcos.prefault({}).describe('What FCOS leaves to choose. The defaults with `preset: mmdetection` and a large backbone are its first paper\'s, else those of its improvements.'),
  gfl: gfl.prefault({}).describe('What GFL leaves to choose.'),
  preset: z.enum(['mmdetection', 'torchvision']).default('mmdetection').describe('Whose conventions anchors, points, losses and scores follow where not set otherwise. torchvision has RetinaNet and FCOS only.'),
  boxLoss: z.enum(['l1', 'smoothL1']).default('l1').describe('Loss of RetinaNet\'s box regression.'),
  weights: path.optional().describe('State dict (.safetensors, .pth, .pt) of the whole detector or of the backbone alone. Left out: trains from scratch.'),
});

export const teacherSchema = detectorSchema.extend({
  weights: path.describe('The trained teacher\'s weights. There is no teacher without them.'),
  methods: z.array(z.string()).min(1).optional().describe('With several teachers: the methods of `distill` that this one teaches. Default: all.'),
  share: z.number().min(0).optional().describe('With several teachers at once: the part of its methods\' losses that counts. Default: equal parts.').meta({ unit: 'part of the loss' }),
});

export const studentSchema = detectorSchema.extend({
  inherit: z.enum(['none', 'head', 'neck+head']).default('none').describe('What the student copies from the teacher before training (FGD\'s inheriting strategy); shapes must agree.'),
});

export const trainSchema = z.strictObject({
  steps: count.optional().describe('Number of optimizer steps. Give this or `epochs`.').meta({ unit: 'optimizer steps' }),
  epochs: positive.optional().describe('Passes over the training images. Give this or `steps`.').meta({ unit: 'passes over the training images' }),
  batch: count.default(4).describe('Images a step.').meta({ unit: 'images a step' }),
  optimizer: z.enum(['sgd', 'adamw']).default('sgd').describe('`sgd` with momentum (usual for ResNets), or `adamw` (small networks from scratch).'),
  learningRate: positive.default(0.01).describe('Peak learning rate.'),
  momentum: fraction.default(0.9).describe('Momentum of SGD.'),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.999]).describe('Averaging of AdamW\'s two moments.'),
  weightDecay: z.number().min(0).default(1e-4).describe('Pulls weights towards 0: L2 for SGD, decoupled for AdamW.'),
  decayNorms: z.boolean().default(true).describe('Whether norms and biases decay too.'),
  schedule: z.enum(['constant', 'step', 'cosine']).default('cosine').describe('Course of the learning rate after the warm-up; `cosine` falls to 0.'),
  milestones: z.array(fraction).default([0.667, 0.917]).describe('`step` schedule: parts of the run after which the rate falls tenfold.').meta({ unit: 'parts of the run' }),
  warmup: z.int().min(0).default(100).describe('Steps of linear warm-up.').meta({ unit: 'steps' }),
  clip: z.number().min(0).default(35).describe('Largest norm of the whole gradient; 0 is off.'),
  ema: z.number().min(0).max(0.99999).default(0).describe('Decay of the exponential moving average of the weights used for evaluation; 0 is off.'),
  seed: z.int().min(0).default(0).describe('Of weights, order of the images and augmentation. Same file, same seed, same machine: same losses.'),
});

export const experimentSchema = z.strictObject({
  name: z.string().min(1).max(80).describe('Shown everywhere; part of the run folder\'s name.'),
  data: dataSchema.describe('Images and their boxes: to train on, and to measure on.'),
  teacher: z.union([teacherSchema, z.array(teacherSchema).min(1)]).optional().describe('The trained network to learn from, or a list of several. Needed if `distill` is there.'),
  teaching: z.enum(['together', 'progressive']).default('together').describe('Several teachers: `together`: all at every step. `progressive`: one after the other in the list\'s order, each for an equal part of the steps, with new adapters, optimizer and learning rate schedule (MTPD).'),
  student: studentSchema.describe('The network that is trained.'),
  distill: z.array(methodSchema).default([]).describe('Methods; several combine. Left out: a plain training run (that is how teachers are made).'),
  train: trainSchema.prefault({}).describe('Length, batch, optimizer, learning rate.'),
  evaluate: z.strictObject({
    every: count.optional().describe('Steps between evaluations. Default: a tenth of the run.').meta({ unit: 'steps' }),
    metric: z.enum(['coco', 'voc']).default('coco').describe('`coco`: AP averaged over IoU 0.50 to 0.95. `voc`: AP at IoU 0.5.'),
    scoreThreshold: fraction.default(0.05).describe('Detections with a lower score do not count.').meta({ unit: 'score, 0 to 1' }),
    nms: fraction.optional().describe('IoU above which the weaker box of a class goes. Default 0.5 for RetinaNet and MMDetection\'s FCOS, else 0.6.').meta({ unit: 'IoU' }),
    maxDetections: count.default(100).describe('Most detections an image.').meta({ unit: 'detections an image' }),
  }).prefault({}).describe('Measuring on the validation set.'),
  pictures: z.strictObject({
    every: count.optional().describe('Steps between recordings of masks. Default: a tenth of the run.').meta({ unit: 'steps' }),
    images: z.int().min(0).max(32).default(4).describe('How many validation images; 0 records none.').meta({ unit: 'images' }),
  }).prefault({}).describe('Recordings of masks and boxes on a few validation images.'),
  checkpoint: z.strictObject({
    every: count.optional().describe('Steps between checkpoints. Default: as `evaluate.every`.').meta({ unit: 'steps' }),
  }).prefault({}).describe('Saved states that a run can go on from.'),
  engine: z.strictObject({
    backend: z.enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu']).default('auto').describe('What computes. `auto` takes native TensorFlow, else the best that is there, with a notice.'),
    precision: z.enum(['float32', 'mixed']).default('float32').describe('Of a training step. `mixed`: convolutions in bfloat16, all else (weights, norms, losses, optimizer) in float32; for GPUs from NVIDIA\'s Ampere on and CPUs with AVX-512 BF16 or AMX, slower elsewhere. Evaluation is in float32.'),
    capture: z.boolean().default(true).describe('Run each step as one TensorFlow graph. `false` runs op by op: slower, same losses.'),
    convolutions: z.enum(['fast', 'direct']).default('fast').describe('How captured steps convolve on a CPU. `fast`: as matrix products, 3 × 3 ones by Winograd\'s filtering; about 1.5 times as fast a step, rounding errors twice those of direct sums. `direct`: oneDNN\'s convolutions.'),
    device: z.string().optional().describe('`cpu`, or the number of a GPU, or several as in `0,1`. Default: all GPUs are seen, the first computes.'),
    replicas: z.int().min(1).max(16).default(1).describe('Equal parts of a batch that are computed beside each other, each on a GPU of its own, in one graph. Trains as one device with the whole batch; batch norms that learn take statistics of each part.').meta({ unit: 'parts of a batch' }),
    teacherCache: z.strictObject({
      keep: z.enum(['none', 'half', 'full']).default('none').describe('What is kept of each value. `half`: 16 bits, within 0.05 % of it. `full`: all 32 bits, for twice the disk. `none`: nothing, the teacher runs in every step.'),
      size: positive.default(10).describe('Most that all kept outputs in the folder may take. Beyond it the longest unused go first, and nothing more is kept where all are in use.').meta({ unit: 'GB' }),
      folder: path.optional().describe('Where outputs are kept; runs that share it share them. May hold `${env:NAME}`. Default: the user\'s cache folder (`distill-lab cache` tells).'),
    }).prefault({}).describe('Keeps on disk what the methods read of the teachers\' outputs, so that a teacher runs once for each image and flip instead of in every step. Of use where images come again unchanged but for flips.'),
  }).prefault({}).describe('What computes, and how.'),
  control: z.boolean().default(false).describe('Also train the same student without distillation (with and without inheriting, if it inherits), and report the difference.'),
  seeds: seedsSchema.optional().describe('Train once with each of these seeds (`distill-lab sweep`). Left out: once, with `train.seed`.'),
  sweep: sweepSchema.optional().describe('Values to try for keys of this file (`distill-lab sweep`), by key: `distill[0].alpha: [5e-4, 1e-3]`. Controls are trained once a seed.'),
  launch: launchSchema.optional().describe('Where the runs of a sweep are started, and with what resources. Changes nothing of what they compute.'),
});

/** As written: defaults not filled in. */
export type ExperimentInput = z.input<typeof experimentSchema>;
/** Checked and complete. */
export type Experiment = z.output<typeof experimentSchema>;
export type DataConfig = z.output<typeof dataSchema>;
export type DetectorConfig = z.output<typeof detectorSchema>;
export type TeacherConfig = z.output<typeof teacherSchema>;
export type StudentConfig = z.output<typeof studentSchema>;
export type TrainConfig = z.output<typeof trainSchema>;
