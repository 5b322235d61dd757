/**
 * The experiment file as a schema: the single source of types, validation, JSON Schema, completion and hover text.
 *
 * `description` says what a key means; `unit`, `paper` and the like go into `.meta` too, where hovers find them.
 * Methods' own options are in `methods/`.
 */
import { z } from 'zod';
import { methodSchema } from './methods/index.ts';

export { methodSchema, type MethodConfig } from './methods/index.ts';

const positive = z.number().positive();
const fraction = z.number().min(0).max(1);
const count = z.int().min(1);
const path = z.string().min(1);

const normalize = z.strictObject({
  mean: z.tuple([z.number(), z.number(), z.number()]).default([123.675, 116.28, 103.53]),
  std: z.tuple([positive, positive, positive]).default([58.395, 57.12, 57.375]),
}).describe('Subtracted from and divided into the RGB values (0 to 255) of every image. Default: ImageNet\'s.');

const augment = z.strictObject({
  flip: fraction.default(0.5).describe('Chance of a horizontal flip.'),
  flipVertical: fraction.default(0).describe('Chance of a vertical flip; for images without an up, such as cells or aerial views.'),
  scale: z.tuple([positive, positive]).default([1, 1]).describe('Scale jitter: the image is resized by a factor drawn between these two, then cropped or padded.'),
  photometric: fraction.default(0).describe('Strength of brightness, contrast and saturation jitter; 0 is off.'),
  mosaic: fraction.default(0).describe('Chance that four images are joined into one.'),
}).describe('Random changes of training images. Validation images are never changed.');

const dataCommon = {
  classes: z.array(z.string().min(1)).min(1).optional().describe('Class names, in the order of the network\'s outputs. Left out: all classes of the training set, sorted as its format lists them.'),
  size: z.tuple([z.int().min(32), z.int().min(32)]).describe('Network input [height, width] in pixels: multiples of 32, the stride at which the pyramid\'s levels are added up.'),
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
    train: count.default(1500).describe('Number of training scenes.'),
    val: count.default(200).describe('Number of validation scenes.'),
    seed: z.int().min(0).default(0).describe('Seed of the scenes; teacher and student should see scenes of the same kind.'),
    ...dataCommon,
  }),
  z.strictObject({ format: z.literal('coco').describe('COCO JSON annotations.'), root: path.describe('Folder that the other paths start at; may hold `${env:NAME}`.'), train: split, val: split, ...dataCommon }),
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
  channels: count.optional().describe('Width of every level. Default 256 for ResNets, 48 for small backbones.'),
  levels: z.int().min(1).max(5).optional().describe('Number of levels from P3 on. Default 5 for ResNets, 3 for small backbones.'),
  p6From: z.enum(['c5', 'p5']).optional().describe('What P6 is made from: C5 (MMDetection, torchvision v2) or P5 (torchvision v1).'),
});

const head = z.strictObject({
  convs: z.int().min(0).max(8).optional().describe('3×3 convolutions in each tower. Default 4 for ResNets, 2 for small backbones.'),
  norm: z.enum(['none', 'group']).optional().describe('Norm after the towers\' convolutions. Default `none` for ResNets, `group` for small backbones.'),
});

const anchors = z.strictObject({
  base: positive.optional().describe('Side of the smallest anchor in strides. Default 4 for ResNets, 1.8 for small backbones.'),
  octaves: count.optional().describe('Sizes in each octave. Default 3.'),
  ratios: z.array(positive).min(1).optional().describe('Height / width of the anchors. Default 0.5, 1, 2 for ResNets, 1 for small backbones.'),
  rounded: z.boolean().optional().describe('Round corners to whole pixels, as torchvision does.'),
});

export const BACKBONES = ['resnet18', 'resnet34', 'resnet50', 'resnet101', 'small', 'tiny'] as const;

export const DETECTORS = ['retinanet'] as const;

export const detectorSchema = z.strictObject({
  detector: z.enum(DETECTORS).describe('The detector.'),
  backbone: z.enum(BACKBONES).describe('`small` (1.2 M weights) and `tiny` (0.3 M) are for small images and train from scratch in minutes.'),
  norm: z.enum(['batch', 'group', 'frozen']).optional().describe('Norm of the backbone. `frozen` keeps batch norm\'s running values (usual when fine-tuning); default `frozen` for ResNets with weights, else `batch`.'),
  neck: neck.prefault({}).describe('The feature pyramid (FPN).'),
  head: head.prefault({}).describe('The towers of convolutions that predict classes and boxes.'),
  anchors: anchors.prefault({}).describe('The boxes that predictions start from.'),
  preset: z.enum(['mmdetection', 'torchvision']).default('mmdetection').describe('Whose conventions anchors, losses and P6 follow where not set otherwise.'),
  boxLoss: z.enum(['l1', 'smoothL1']).default('l1').describe('Loss of the box regression.'),
  weights: path.optional().describe('State dict (.safetensors, .pth, .pt) of the whole detector or of the backbone alone. Left out: trains from scratch.'),
});

export const teacherSchema = detectorSchema.extend({
  weights: path.describe('The trained teacher\'s weights. There is no teacher without them.'),
});

export const studentSchema = detectorSchema.extend({
  inherit: z.enum(['none', 'head', 'neck+head']).default('none').describe('What the student copies from the teacher before training (FGD\'s inheriting strategy); shapes must agree.'),
});

export const trainSchema = z.strictObject({
  steps: count.optional().describe('Number of optimizer steps. Give this or `epochs`.'),
  epochs: positive.optional().describe('Passes over the training images. Give this or `steps`.'),
  batch: count.default(4).describe('Images a step.'),
  optimizer: z.enum(['sgd', 'adamw']).default('sgd').describe('`sgd` with momentum (usual for ResNets), or `adamw` (small networks from scratch).'),
  learningRate: positive.default(0.01).describe('Peak learning rate.'),
  momentum: fraction.default(0.9).describe('Momentum of SGD.'),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.999]).describe('Averaging of AdamW\'s two moments.'),
  weightDecay: z.number().min(0).default(1e-4).describe('Pulls weights towards 0: L2 for SGD, decoupled for AdamW.'),
  decayNorms: z.boolean().default(true).describe('Whether norms and biases decay too.'),
  schedule: z.enum(['constant', 'step', 'cosine']).default('cosine').describe('Course of the learning rate after the warm-up; `cosine` falls to 0.'),
  milestones: z.array(fraction).default([0.667, 0.917]).describe('`step` schedule: parts of the run after which the rate falls tenfold.'),
  warmup: z.int().min(0).default(100).describe('Steps of linear warm-up.'),
  clip: z.number().min(0).default(35).describe('Largest norm of the whole gradient; 0 is off.'),
  ema: z.number().min(0).max(0.99999).default(0).describe('Decay of the exponential moving average of the weights used for evaluation; 0 is off.'),
  seed: z.int().min(0).default(0).describe('Of weights, order of the images and augmentation. Same file, same seed, same machine: same losses.'),
});

export const experimentSchema = z.strictObject({
  name: z.string().min(1).max(80).describe('Shown everywhere; part of the run folder\'s name.'),
  data: dataSchema.describe('Images and their boxes: to train on, and to measure on.'),
  teacher: teacherSchema.optional().describe('The trained network to learn from. Needed if `distill` is there.'),
  student: studentSchema.describe('The network that is trained.'),
  distill: z.array(methodSchema).default([]).describe('Methods; several combine. Left out: a plain training run (that is how teachers are made).'),
  train: trainSchema.prefault({}).describe('Length, batch, optimizer, learning rate.'),
  evaluate: z.strictObject({
    every: count.optional().describe('Steps between evaluations. Default: a tenth of the run.'),
    metric: z.enum(['coco', 'voc']).default('coco').describe('`coco`: AP averaged over IoU 0.50 to 0.95. `voc`: AP at IoU 0.5.'),
    scoreThreshold: fraction.default(0.05).describe('Detections with a lower score do not count.'),
    nms: fraction.default(0.5).describe('IoU above which the weaker box of a class goes.'),
    maxDetections: count.default(100).describe('Most detections an image.'),
  }).prefault({}).describe('Measuring on the validation set.'),
  pictures: z.strictObject({
    every: count.optional().describe('Steps between recordings of masks. Default: a tenth of the run.'),
    images: z.int().min(0).max(32).default(4).describe('How many validation images; 0 records none.'),
  }).prefault({}).describe('Recordings of masks and boxes on a few validation images.'),
  checkpoint: z.strictObject({
    every: count.optional().describe('Steps between checkpoints. Default: as `evaluate.every`.'),
  }).prefault({}).describe('Saved states that a run can go on from.'),
  engine: z.strictObject({
    backend: z.enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu']).default('auto').describe('What computes. `auto` takes native TensorFlow, else the best that is there, with a notice.'),
    precision: z.enum(['float32']).default('float32').describe('Of all values.'),
    capture: z.boolean().default(true).describe('Run each step as one TensorFlow graph. `false` runs op by op: slower, same losses.'),
    device: z.string().optional().describe('`cpu`, or the number of a GPU. Default: the first GPU if there is one.'),
  }).prefault({}).describe('What computes, and how.'),
  control: z.boolean().default(false).describe('Also train the same student without distillation (with and without inheriting, if it inherits), and report the difference.'),
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
