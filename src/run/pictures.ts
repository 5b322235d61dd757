/**
 * Pictures of a fixed few validation images: input, boxes, and the masks of every method, at chosen steps.
 * `pictures/images/<n>.png` once a run; `pictures/<arm>-<step>/{index.json, values.bin}` each time.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Example } from '../data/sample.ts';
import { type PictureKind } from '../distillers/distiller.ts';
import { type Detection } from '../engine/boxes.ts';
import { type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { type FunctionSpec, type Program } from '../engine/program.ts';
import { FILES, type Arm, type PictureIndex } from '../experiment/record.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { diskError } from './files.ts';
import { stackImages } from './infer.ts';
import { stepInputs, type Observe } from './methodInputs.ts';
import { observes, pictureStep, unprefixed, type Networks, type PictureStep } from './step.ts';

/** Boxes below this score would only clutter the picture. */
const SHOWN_SCORE = 0.2;

type Mask = PictureIndex['masks'][number];

export class PictureRecorder {
  private readonly examples: readonly Example[];
  private readonly data: DataConfig;
  private readonly kinds: (method: string) => Readonly<Record<string, PictureKind>>;
  private networks: Networks | undefined;
  private step: PictureStep | undefined;

  /** @param kinds the method's table of pictures. */
  constructor(examples: readonly Example[], data: DataConfig, kinds: (method: string) => Readonly<Record<string, PictureKind>>) {
    this.examples = examples;
    this.data = data;
    this.kinds = kinds;
  }

  /** @param observe for the one recording run; `record` uses the program's */
  function(networks: Networks, observe: Observe | undefined): FunctionSpec {
    this.networks = networks;
    this.step = pictureStep(networks);
    return { run: this.step.run, example: this.inputs(networks, observe) };
  }

  /** @returns the folder, relative to the run folder. */
  async record(runFolder: string, arm: Arm, step: number, program: Program): Promise<string> {
    if (this.networks === undefined) throw new Error('the pictures have no function yet');
    const outputs = program.run('pictures', this.inputs(this.networks, observes(this.networks) ? (inputs) => program.run('observePictures', inputs) : undefined));
    const folder = join(FILES.pictures, `${arm}-${String(step).padStart(6, '0')}`);
    const target = join(runFolder, folder);
    const aside = `${target}.new`;
    try {
      await this.storeImages(runFolder);
      rmSync(aside, { recursive: true, force: true });
      mkdirSync(aside, { recursive: true });
      const { masks, values } = this.masks(outputs);
      writeFileSync(join(aside, 'values.bin'), values);
      writeFileSync(join(aside, 'index.json'), JSON.stringify({ step, arm, images: this.images(outputs, this.networks), masks } satisfies PictureIndex));
      rmSync(target, { recursive: true, force: true });
      renameSync(aside, target);
    } catch (cause) {
      rmSync(aside, { recursive: true, force: true });
      throw diskError(target, cause);
    }
    return folder;
  }

  private inputs(networks: Networks, observe: Observe | undefined): HostTensors {
    const images = stackImages(this.examples, this.data.size, this.examples.length);
    const truth = { truth: this.examples.map((example) => example.truth), inputSize: this.data.size, contentSizes: this.examples.map(({ contentSize }) => contentSize) };
    return stepInputs(networks, images, truth, observe);
  }

  /** The images as the network sees them, without padding; stored once. */
  private async storeImages(runFolder: string): Promise<void> {
    const folder = join(runFolder, FILES.pictures, 'images');
    mkdirSync(folder, { recursive: true });
    await Promise.all(this.examples.map(async (example, index) => {
      const [height, width] = this.data.size;
      const [contentHeight, contentWidth] = example.contentSize.map(Math.round) as [number, number];
      await sharp(toBytes(example.pixels, this.data), { raw: { width, height, channels: 3 } })
        .extract({ left: 0, top: 0, width: contentWidth, height: contentHeight }).png().toFile(join(folder, `${index}.png`));
    }));
  }

  private images(outputs: Readonly<Record<string, HostTensor>>, { student, teacher }: Networks): PictureIndex['images'] {
    const sizes = this.examples.map(({ contentSize }) => contentSize);
    const found = student.detections(unprefixed('student', outputs), sizes);
    const taught = teacher?.detections(unprefixed('teacher', outputs), sizes) ?? [];
    return this.examples.map((example, index) => ({
      id: example.image.id, file: join('images', `${index}.png`), width: Math.round(example.contentSize[1]), height: Math.round(example.contentSize[0]),
      groundTruth: example.truth.boxes.map((box, object) => ({ box: [...box], label: example.truth.labels[object] as number })),
      teacher: shown(taught[index]), student: shown(found[index]),
    }));
  }

  private masks(outputs: Readonly<Record<string, HostTensor>>): { masks: Mask[]; values: Uint8Array } {
    const masks: Mask[] = [];
    const chunks: Float32Array[] = [];
    let offset = 0;
    this.step?.described.forEach(({ method, picture }, index) => {
      const kind = this.kinds(method)[picture.kind];
      const values = outputs[`picture.${index}`];
      const level = this.networks?.student.traits.levels.find(({ name }) => name === picture.level);
      if (kind === undefined || values === undefined || (level === undefined && picture.level !== 'all')) throw new Error(`${method}: picture ${picture.kind} at ${picture.level} is not in the method's table`);
      const [, ...shape] = values.shape;
      const size = values.data.length / this.examples.length;
      for (let image = 0; image < this.examples.length; image += 1) {
        masks.push({
          method, kind: picture.kind, title: kind.title, caption: kind.caption, form: kind.form, signed: kind.signed === true && picture.role === 'difference',
          role: picture.role, level: picture.level, stride: level?.stride ?? 1, image, shape, offset: offset + image * size,
        });
      }
      chunks.push(Float32Array.from(values.data));
      offset += values.data.length;
    });
    return { masks, values: Buffer.concat(chunks.map((chunk) => new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))) };
  }
}

function shown(detections: readonly Detection[] | undefined): PictureIndex['images'][number]['student'] {
  return (detections ?? []).filter(({ score }) => score >= SHOWN_SCORE).map(({ box, label, score }) => ({ box: [...box], label, score }));
}

/** Undoes the normalisation. */
function toBytes(pixels: Float32Array, { normalize: { mean, std } }: DataConfig): Buffer {
  const bytes = Buffer.alloc(pixels.length);
  for (let index = 0; index < pixels.length; index += 1) {
    const channel = index % 3;
    bytes[index] = Math.min(255, Math.max(0, Math.round((pixels[index] as number) * (std[channel] as number) + (mean[channel] as number))));
  }
  return bytes;
}

