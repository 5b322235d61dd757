/** The sample workspace: one experiment on drawn scenes that takes a minute or two, its teacher, and a page that says what to try. */

export interface SampleFile {
  /** Relative to the sample's folder. */
  readonly path: string;
  readonly text: string;
}

/** What the new folder is called where the name is free. */
export const SAMPLE_FOLDER = 'distill-lab-sample';

/** The file to open first. */
export const SAMPLE_EXPERIMENT = 'shapes-fgd.distill.yaml';

/** Comes with the extension, below `examples/`; it has the same place in the sample. */
export const SAMPLE_TEACHER = 'teachers/scenes-retinanet-small.safetensors';

const experiment = `# A student a quarter of its teacher's size learns to find four drawn shapes.
# Press "Run Distillation" above this line. Hover a key for its meaning.
name: shapes-fgd

data:
  format: scenes              # drawn from a seed; nothing is downloaded
  train: 800                  # scenes to train on
  val: 60                     # scenes to measure on
  classes: [disc, square, triangle, star]   # those of the teacher
  size: [96, 96]              # height, width
  augment:
    flip: 0.5                 # scenes have neither a left ...
    flipVertical: 0.5         # ... nor an up

teacher:
  detector: retinanet
  backbone: small             # 1.2 M weights
  weights: ${SAMPLE_TEACHER}

student:
  detector: retinanet
  backbone: tiny              # 0.3 M weights

distill:
  - method: fgd               # Focal and Global Distillation
    scale: normalized         # for small networks
    temperature: 1.0          # of the attention masks: try 0.5, and compare

train:
  steps: 400
  batch: 4
  optimizer: adamw
  learningRate: 0.006
  warmup: 40
  seed: 0                     # try 1 and 2 as well: one seed is an anecdote

evaluate:
  every: 100                  # steps between measurements

pictures:
  every: 40                   # steps between recordings of masks
  images: 3

# The same student without a teacher, too: without it nobody knows what the method gained.
control: true
`;

const readme = `# Distill Lab: a sample

A small object detector learns from a bigger one, and you watch.

1. Open \`${SAMPLE_EXPERIMENT}\` and press **▷ Run Distillation** above its first line. With native TensorFlow it takes a
   minute or two on two cores. Without it a run works too, but is slow: **Distill Lab: Setup Engine** (F1) fetches it once.
2. Watch the panel: curves grow, and at step 40 the first masks show where teacher and student look. Close the window if
   you like; the run goes on and is found again.
3. At step 100, 200, … both students are measured: the distilled one, and the control that has no teacher. The difference
   is what the method gained. After so few steps both are far below the teacher: what counts here is which learns faster.
4. Change a key, say \`temperature: 0.5\`, run again, and compare the two runs.
5. Bring your own images: **Distill Lab: Create Experiment** offers the COCO, VOC and YOLO data that it finds in the folder.

| here | is |
| --- | --- |
| \`${SAMPLE_EXPERIMENT}\` | the experiment, plain data: opening it runs nothing |
| \`teachers/\` | the teacher, a RetinaNet of 1.2 M weights trained on 4,000 scenes |
| \`runs/\` | a folder for each run: what was run, curves, masks, checkpoints. It may be deleted at any time. |
`;

export const SAMPLE_FILES: readonly SampleFile[] = [
  { path: SAMPLE_EXPERIMENT, text: experiment },
  { path: 'README.md', text: readme },
  { path: '.gitignore', text: 'runs/\n' },
];
