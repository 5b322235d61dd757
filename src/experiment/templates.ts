/** Experiments to begin with, for Create Experiment. Tests hold them to the schema. */

export interface Template {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Name of the new file. */
  readonly file: string;
  readonly text: string;
}

const scenesFgd = `# Distill Lab experiment: one file, one run. Hover a key for its meaning; the page is docs/experiment.md.
name: scenes-fgd

# What to train on. \`scenes\` are drawn from a seed, so nothing has to be downloaded.
# For your own images take \`format: coco\`, \`voc\` or \`yolo\` with a \`root\`.
data:
  format: scenes
  train: 1500                 # scenes to train on
  val: 200                    # scenes to measure on
  classes: [disc, square, triangle, star]   # those of the teacher; left out: all six
  size: [128, 128]            # height, width; multiples of 32
  augment:
    flip: 0.5
    flipVertical: 0.5

# The trained network to learn from. There is no teacher without its file: train one with the
# experiment "Teacher" (no \`distill\`), export it, and name the file here.
teacher:
  detector: retinanet
  backbone: small
  weights: teachers/scenes-retinanet-small.safetensors

# The network that is trained.
student:
  detector: retinanet
  backbone: tiny
  inherit: neck+head          # begin with the teacher's neck and head where shapes agree

# Methods; several can be combined.
distill:
  - method: fgd
    scale: normalized         # for small networks; leave out for ResNets with the paper's settings
    temperature: 1.0

train:
  steps: 1000
  batch: 4
  optimizer: adamw
  learningRate: 0.006
  schedule: cosine
  warmup: 100
  seed: 0

evaluate:
  every: 250                  # steps between measurements

pictures:
  every: 125                  # steps between recordings of masks
  images: 4

# Train the same student without distillation too, and report the difference.
control: true
`;

const teacher = `# A plain training run: without \`distill\` this makes a teacher.
# Afterwards: Export Student, or \`distill-lab export runs/RUN --output teachers/scenes-retinanet-small.safetensors\`.
name: scenes-teacher

data:
  format: scenes
  train: 4000
  val: 200
  classes: [disc, square, triangle, star]   # left out: all six
  size: [128, 128]
  augment:
    flip: 0.5
    flipVertical: 0.5

student:                      # what is trained is always called the student
  detector: retinanet
  backbone: small

train:
  steps: 3600
  batch: 8
  optimizer: adamw
  learningRate: 0.002
  schedule: cosine
  warmup: 100
  seed: 0

evaluate:
  every: 600

pictures:
  images: 0
`;

/** From the student on: what a large RetinaNet teaches one of ResNet-18 by the paper. */
export const RESNET_LESSON = `student:
  detector: retinanet
  backbone: resnet18
  preset: mmdetection

distill:
  - method: fgd               # the paper's settings for RetinaNet are the defaults

train:
  epochs: 12
  batch: 4
  optimizer: sgd
  learningRate: 0.005         # 0.01 for 16 images a step; scale with the batch
  schedule: step
  warmup: 500`;

const ownData = `# Your own images with MMDetection's or torchvision's RetinaNet as the teacher.
name: my-distillation

data:
  format: coco                # or voc, yolo
  root: \${env:DATA_ROOT}      # environment variable, or a path relative to this file
  train: { annotations: annotations/train.json, images: train }
  val: { annotations: annotations/val.json, images: val }
  size: [512, 512]

teacher:
  detector: retinanet
  backbone: resnet50
  weights: teacher.pth        # state dict of MMDetection or torchvision, or .safetensors
  preset: mmdetection         # or torchvision

${RESNET_LESSON}
  seed: 0

control: true
`;

export const TEMPLATES: readonly Template[] = [
  { id: 'scenes-fgd', title: 'FGD on drawn scenes', description: 'A small teacher, a smaller student, minutes on a CPU. Needs the teacher\'s file.', file: 'scenes-fgd.distill.yaml', text: scenesFgd },
  { id: 'scenes-teacher', title: 'Teacher on drawn scenes', description: 'A plain training run that makes the teacher for the one above.', file: 'scenes-teacher.distill.yaml', text: teacher },
  { id: 'own-data', title: 'Own data, RetinaNet R50 to R18', description: 'COCO, VOC or YOLO data, a teacher from MMDetection or torchvision.', file: 'my-distillation.distill.yaml', text: ownData },
];
