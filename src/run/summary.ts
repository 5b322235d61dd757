/** The experiment in one line: `RetinaNet R50 → RetinaNet R18 · FGD · scenes, 1,200 images`. */
import { type DetectorConfig, type Experiment } from '../experiment/schema.ts';

const DETECTORS: Readonly<Record<DetectorConfig['detector'], string>> = { retinanet: 'RetinaNet' };

export function summaryOf({ teacher, student, distill, data }: Experiment, trainingImages: number): string {
  const networks = teacher === undefined || distill.length === 0 ? networkName(student) : `${networkName(teacher)} → ${networkName(student)}`;
  const methods = distill.length === 0 ? 'no distillation' : distill.map(({ method }) => method.toUpperCase()).join(' + ');
  return `${networks} · ${methods} · ${data.format}, ${trainingImages.toLocaleString('en')} images`;
}

function networkName({ detector, backbone }: DetectorConfig): string {
  return `${DETECTORS[detector]} ${backbone.replace(/^resnet/, 'R')}`;
}
