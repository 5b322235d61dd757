/** Experiments small enough that six of them train in a test. */
const DATA = 'data: { format: scenes, train: 24, val: 6, classes: [disc, square], size: [64, 64], augment: { flip: 0.5 } }';
const NETWORK = 'detector: retinanet, backbone: tiny';

export function teacherExperiment(): string {
  return `name: teacher\n${DATA}\nstudent: { ${NETWORK} }\ntrain: { steps: 20, batch: 2, optimizer: adamw, learningRate: 0.002, warmup: 4, seed: 3 }\n`;
}

/** Two methods, two seeds, controls. */
export function sweepExperiment(name: string, steps: number): string {
  return `name: ${name}\n${DATA}\nteacher: { ${NETWORK}, weights: teacher.safetensors }\nstudent: { ${NETWORK} }\ndistill: [{ method: fgd }]\n`
    + `train: { steps: ${steps}, batch: 2, optimizer: adamw, learningRate: 0.002, warmup: 2 }\nevaluate: { every: 4 }\ncheckpoint: { every: 2 }\npictures: { images: 0 }\n`
    + 'control: true\nseeds: [0, 1]\nsweep: { distill: [[fgd], [rm]] }\n';
}

/** Plain training with two seeds, long enough to be interrupted. */
export function seedsExperiment(name: string, steps: number): string {
  return `name: ${name}\n${DATA}\nstudent: { ${NETWORK} }\ntrain: { steps: ${steps}, batch: 2, optimizer: adamw, learningRate: 0.002, warmup: 2 }\n`
    + `evaluate: { every: ${steps / 2} }\ncheckpoint: { every: ${steps} }\npictures: { images: 0 }\nseeds: [0, 1]\n`;
}
