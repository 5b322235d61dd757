/** The built-in data: drawn scenes from a seed, as many as one asks for, no download. Image n depends on (seed, split, n, size, classes) alone. */
import { area } from '../engine/boxes.ts';
import { DistillError } from '../errors.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { checkDistinct, didYouMean } from './problems.ts';
import { type AnnotatedImage, type AnnotatedObject, type DataSet, type SceneSpec, type Split } from './sample.ts';
import { layOut, type PlacedShape } from './sceneLayout.ts';
import { paintScene } from './scenePaint.ts';
import { isShape, SHAPES } from './shapes.ts';

export type ScenesConfig = Extract<DataConfig, { format: 'scenes' }>;

/** @throws DistillError DL307 for classes that cannot be drawn */
export function openScenes(config: ScenesConfig, split: Split): DataSet {
  const classes = config.classes ?? [...SHAPES];
  checkDistinct(classes);
  for (const [index, name] of classes.entries()) {
    if (isShape(name)) continue;
    throw new DistillError('DL307', `scenes have no class "${name}"`, {
      key: ['data', 'classes', index],
      expected: `one of ${SHAPES.join(', ')}`,
      got: name,
      advice: didYouMean(name, SHAPES) ?? 'leave `classes` out to take all six',
    });
  }
  const scene: SceneSpec = { seed: config.seed, split, size: config.size, classes };
  return { classes, images: Array.from({ length: config[split] }, (_, index) => sceneImage(scene, index)), notes: [] };
}

/** One scene; its objects are placed when first asked for. */
export function sceneImage(scene: SceneSpec, index: number): AnnotatedImage {
  return new SceneImage(scene, index);
}

class SceneImage implements AnnotatedImage {
  readonly index: number;
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly source: { readonly kind: 'scene'; readonly scene: SceneSpec };
  private placed: readonly AnnotatedObject[] | undefined;

  constructor(scene: SceneSpec, index: number) {
    this.index = index;
    this.id = `scene ${index}`;
    [this.height, this.width] = scene.size;
    this.source = { kind: 'scene', scene };
  }

  get objects(): readonly AnnotatedObject[] {
    return this.placed ?? this.place(layOut(this.source.scene, this.index));
  }

  /** Placing the shapes is a third of the work; their outlines take memory, so only the boxes are kept. */
  pixels(): ReturnType<AnnotatedImage['pixels']> {
    const shapes = layOut(this.source.scene, this.index);
    this.place(shapes);
    return Promise.resolve(paintScene(this.source.scene, this.index, shapes));
  }

  private place(shapes: readonly PlacedShape[]): readonly AnnotatedObject[] {
    this.placed ??= shapes.map(({ label, box }) => ({ label, box, area: area(box), crowd: false, difficult: false }));
    return this.placed;
  }
}
