/** The experiment in one line: `RetinaNet R50 → RetinaNet R18 · FGD · scenes, 1,200 images`. */
import { METHOD_CARDS } from '../experiment/methods/index.ts';
import { type DetectorConfig, type Experiment } from '../experiment/schema.ts';
import { teachersOf } from '../experiment/teachers.ts';

const DETECTORS: Readonly<Record<DetectorConfig['detector'], string>> = { retinanet: 'RetinaNet', fcos: 'FCOS', atss: 'ATSS', gfl: 'GFL' };

export function summaryOf(experiment: Experiment, trainingImages: number): string {
  const { student, distill, data, teaching } = experiment;
  const teachers = distill.length === 0 ? [] : teachersOf(experiment).map(networkName);
  const networks = teachers.length === 0 ? networkName(student) : `${teachers.join(teaching === 'together' ? ' + ' : ', then ')} → ${networkName(student)}`;
  const methods = distill.length === 0 ? 'no distillation' : distill.map(({ method }) => METHOD_CARDS[method].title).join(' + ');
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
