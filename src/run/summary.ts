/** The experiment in one line: `RetinaNet R50 → RetinaNet R18 · FGD · scenes, 1,200 images`. */
import { type DetectorConfig, type Experiment } from '../experiment/schema.ts';

const DETECTORS: Readonly<Record<DetectorConfig['detector'], string>> = { retinanet: 'RetinaNet', fcos: 'FCOS', atss: 'ATSS', gfl: 'GFL' };

export function summaryOf({ teacher, student, distill, data }: Experiment, trainingImages: number): string {
  const networks = teacher === undefined || distill.length === 0 ? networkName(student) : `${networkName(teacher)} → ${networkName(student)}`;
  const methods = distill.length === 0 ? 'no distillation' : distill.map(({ method }) => method.toUpperCase()).join(' + ');
  return `${networks} · ${methods} · ${data.format}, ${trainingImages.toLocaleString('en')} images`;
}

function networkName({ detector, backbone }: DetectorConfig): string {
  return `${DETECTORS[detector]} ${shortName(backbone)}`;
}

/** `R50`, `X101-64x4d`, `MobileNetV2`, `tiny`. */
function shortName(backbone: DetectorConfig['backbone']): string {
  if (backbone === 'mobilenet_v2') return 'MobileNetV2';
  return backbone.replace(/^resnet/, 'R').replace(/^resnext(\d+)_/, 'X$1-');
}
