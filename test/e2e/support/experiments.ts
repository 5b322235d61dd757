/** Tiny experiments on drawn scenes that a real child works through in seconds. */

/** 64 × 64 pixels, two images a step. */
const DATA = 'data: { format: scenes, train: 16, val: 4, size: [64, 64] }';

/** Made once with the command line: distillation needs a teacher's file. */
export const TEACHER = `name: tiny-teacher
${DATA}
student: { detector: retinanet, backbone: small }
train: { steps: 4, batch: 2, warmup: 0, learningRate: 0.001 }
pictures: { images: 0 }
`;

/** @param steps long enough to be stopped in the middle, short enough to be waited for. */
export function distillation(name: string, steps: number, weights = 'teacher.safetensors'): string {
  return `# A student half as wide learns where its teacher looks.
name: ${name}
${DATA}
teacher:
  detector: retinanet
  backbone: small
  weights: ${weights}
student: { detector: retinanet, backbone: tiny }
distill:
  - method: fgd
train: { steps: ${steps}, batch: 2, warmup: 10, learningRate: 0.001 }
evaluate: { every: ${Math.ceil(steps / 3)} }
pictures: { every: 20, images: 2 }
checkpoint: { every: 20 }
`;
}
