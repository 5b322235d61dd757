/** What a key amounts to when it is left out, for this experiment: by its detector, backbone, preset and length. */
import { defaultNms, detectorDefaults, fcosDefaults, isSmallBackbone } from '../experiment/defaults.ts';
import { type JsonSchema, schemasAt } from '../experiment/jsonSchema.ts';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { METHOD_CARDS, type MethodCard } from '../experiment/methods/index.ts';
import { BACKBONES, type DetectorConfig, DETECTORS } from '../experiment/schema.ts';

export interface Default {
  readonly value: unknown;
  /** The written values that it follows from, e.g. `fcos` or `small`; absent where it is always the same. */
  readonly because?: string | undefined;
}

/**
 * @param path of the key
 * @param data the file as far as it can be read
 * @returns undefined where there is none, or where what it depends on is not written yet
 */
export function defaultOf(path: KeyPath, data: unknown): Default | undefined {
  return methodDefault(path, data) ?? detectorDefault(path, data) ?? runDefault(path, data) ?? plainDefault(path, data);
}

function plainDefault(path: KeyPath, data: unknown): Default | undefined {
  const schemas = schemasOf(path, data);
  const [first] = schemas;
  if (first?.default === undefined || isEmptyObject(first.default)) return undefined;
  const agreed = schemas.every((schema) => JSON.stringify(schema.default) === JSON.stringify(first.default));
  return agreed ? { value: first.default } : undefined;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The key's own schemas, with their descriptions: `schemasAt` goes on into the branches of a union. */
export function schemasOf(path: KeyPath, data: unknown): readonly JsonSchema[] {
  const last = path.at(-1);
  if (last === undefined) return schemasAt([], data);
  const around = schemasAt(path.slice(0, -1), data);
  if (typeof last === 'number') return around.flatMap(({ items }) => (items === undefined ? [] : [isTuple(items) ? items[last] : items])).filter((item) => item !== undefined);
  return around.flatMap(({ properties = {} }) => (Object.hasOwn(properties, last) ? [properties[last]] : [])).filter((property) => property !== undefined);
}

function isTuple(items: JsonSchema | readonly JsonSchema[]): items is readonly JsonSchema[] {
  return Array.isArray(items);
}

/** The student's, as far as it is written: what defaults of methods go by. */
export function studentDetector(data: unknown): string | undefined {
  const detector = valueAt(data, ['student', 'detector']);
  return typeof detector === 'string' && (DETECTORS as readonly string[]).includes(detector) ? detector : undefined;
}

/** The method of a `distill` item. */
export function methodAt(path: KeyPath, data: unknown): MethodCard | undefined {
  if (path[0] !== 'distill' || typeof path[1] !== 'number') return undefined;
  const method = valueAt(data, ['distill', path[1], 'method']);
  return typeof method === 'string' ? cardOf(method) : undefined;
}

export function cardOf(method: string): MethodCard | undefined {
  return Object.hasOwn(METHOD_CARDS, method) ? METHOD_CARDS[method as keyof typeof METHOD_CARDS] : undefined;
}

function methodDefault(path: KeyPath, data: unknown): Default | undefined {
  const key = String(path.at(-1));
  const card = path.length === 3 ? methodAt(path, data) : undefined;
  if (card === undefined) return undefined;
  if (card.id === 'cwd' && key === 'weight') {
    const tap = valueAt(data, [...path.slice(0, 2), 'tap']) === 'logits' ? 'logits' : 'features';
    return { value: tap === 'logits' ? 5 : 10, because: `tap: ${tap}` };
  }
  const detector = studentDetector(data);
  if (detector === undefined || card.defaults === undefined) return undefined;
  const own = card.defaults(detector);
  return Object.hasOwn(own, key) ? { value: own[key], because: detector } : undefined;
}

/** Of a section like `student`: what its `detector`, `backbone` and `preset` say, or undefined where the first two are not written. */
export function writtenDetector(section: KeyPath, data: unknown): Pick<DetectorConfig, 'detector' | 'backbone' | 'preset' | 'weights'> | undefined {
  const at = (key: string): unknown => valueAt(data, [...section, key]);
  const detector = DETECTORS.find((name) => name === at('detector'));
  const backbone = BACKBONES.find((name) => name === at('backbone'));
  if (detector === undefined || backbone === undefined) return undefined;
  const weights = at('weights');
  return { detector, backbone, preset: at('preset') === 'torchvision' ? 'torchvision' : 'mmdetection', weights: typeof weights === 'string' ? weights : undefined };
}

/** `student`, `teacher` or `teacher[i]`, if the path begins with one. */
export function detectorSection(path: KeyPath): KeyPath | undefined {
  if (path[0] === 'student') return ['student'];
  if (path[0] !== 'teacher') return undefined;
  return typeof path[1] === 'number' ? path.slice(0, 2) : ['teacher'];
}

function detectorDefault(path: KeyPath, data: unknown): Default | undefined {
  const section = detectorSection(path);
  const written = section === undefined ? undefined : writtenDetector(section, data);
  if (section === undefined || written === undefined) return undefined;
  const { detector, backbone, preset, weights } = written;
  const small = isSmallBackbone(backbone);
  const usual = detectorDefaults(written);
  const byBoth = `${detector}, ${backbone}`;
  const byPreset = `${backbone}, preset: ${preset}`;
  const fcos = fcosDefaults(written);
  const table: Readonly<Record<string, Default>> = {
    norm: { value: !small && weights !== undefined ? 'frozen' : 'batch', because: small ? backbone : weights === undefined ? 'no weights' : 'weights' },
    'neck.channels': { value: usual.channels, because: backbone },
    'neck.levels': { value: usual.levels, because: backbone },
    'neck.p6From': { value: usual.p6From, because: detector },
    'head.convs': { value: usual.convs, because: backbone },
    'head.norm': { value: usual.headNorm, because: byBoth },
    'head.bias': { value: detector === 'fcos' && preset === 'torchvision', because: `${detector}, preset: ${preset}` },
    'anchors.base': { value: usual.base, because: byBoth },
    'anchors.octaves': { value: usual.octaves, because: detector },
    'anchors.ratios': { value: usual.ratios, because: byBoth },
    'anchors.rounded': { value: detector === 'retinanet' && preset === 'torchvision', because: `preset: ${preset}` },
    'fcos.centerSampling': { value: fcos.centerSampling, because: byPreset },
    'fcos.range': { value: fcos.range, because: backbone },
    'fcos.distances': { value: fcos.distances, because: byPreset },
    'fcos.centernessOn': { value: fcos.centernessOn, because: byPreset },
    'fcos.boxLoss': { value: fcos.boxLoss, because: byPreset },
  };
  return table[path.slice(section.length).join('.')];
}

function runDefault(path: KeyPath, data: unknown): Default | undefined {
  const key = path.join('.');
  if (key === 'evaluate.nms') {
    const student = writtenDetector(['student'], data);
    return student === undefined ? undefined : { value: defaultNms(student), because: `${student.detector}, preset: ${student.preset}` };
  }
  const steps = valueAt(data, ['train', 'steps']);
  const tenth = typeof steps === 'number' && steps >= 1 ? { value: Math.max(1, Math.ceil(steps / 10)), because: `steps: ${steps}` } : undefined;
  if (key === 'evaluate.every' || key === 'pictures.every') return tenth;
  if (key !== 'checkpoint.every') return undefined;
  const every = valueAt(data, ['evaluate', 'every']);
  return typeof every === 'number' ? { value: every, because: `evaluate.every: ${every}` } : tenth;
}
