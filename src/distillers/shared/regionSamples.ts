/** What an attached box head is trained on: regions drawn from proposals as two-stage detectors draw them, in a fixed number of slots. */
import { encode } from '../../detectors/boxCoder.ts';
import { type DetectorTraits } from '../../detectors/detector.ts';
import { intersection, area, iou, type Box, type GroundTruth } from '../../engine/boxes.ts';
import { float32, int32, type HostTensors } from '../../engine/hostTensor.ts';
import { regionInputs, type LevelRule } from '../../engine/ops/roiAlign.ts';
import { Random } from '../../engine/random.ts';
import { type BatchTruth } from '../distiller.ts';
import { at, mapLevels } from './maps.ts';
import { keepProposals, levelAt, type Proposal } from './proposals.ts';

export interface Region {
  readonly box: Box;
  /** Flat index of the anchor it came from; left out for boxes of the ground truth. */
  readonly anchor?: number;
  /** 0 background, k ≥ 1 the k-th object. */
  readonly object: number;
}

export interface SampleSettings {
  readonly regions: number;
  readonly positiveShare: number;
  readonly positiveIou: number;
  /** Whether the objects' own boxes are regions, too. */
  readonly withTruth: boolean;
}

/** Regions of this share of their area in an ignored one are no background. */
const IGNORED_SHARE = 0.5;

/** Positives first, at most a share of all, then background; each drawn at random where there are more than wanted. */
export function sampleRegions(proposals: readonly Proposal[], truth: GroundTruth, { regions, positiveShare, positiveIou, withTruth }: SampleSettings, random: Random): Region[] {
  const own = withTruth ? truth.boxes.flatMap((box, index): Region[] => (area(box) > 0 ? [{ box, object: index + 1 }] : [])) : [];
  const all = [...own, ...proposals.map((proposal): Region => ({ ...proposal, object: objectOf(proposal.box, truth, positiveIou) }))];
  const positives = draw(all.filter(({ object }) => object > 0), Math.floor(regions * positiveShare), random);
  const background = all.filter(({ box, object }) => object === 0 && !truth.ignored.some((region) => intersection(box, region) > IGNORED_SHARE * area(box)));
  return [...positives, ...draw(background, regions - positives.length, random)];
}

function draw(items: readonly Region[], count: number, random: Random): readonly Region[] {
  return items.length <= count ? items : random.shuffled(items).slice(0, count);
}

/** The object that a box overlaps most, from `least` on. */
function objectOf(box: Box, { boxes }: GroundTruth, least: number): number {
  let [best, object] = [0, 0];
  for (const [index, other] of boxes.entries()) {
    const overlap = iou(box, other);
    if (overlap >= least && overlap > best) [best, object] = [overlap, index + 1];
  }
  return object;
}

export interface RegionLayout extends SampleSettings {
  readonly traits: DetectorTraits;
  /** Levels that are pooled from: the finest. */
  readonly pooled: number;
  readonly output: number;
  readonly nms: number;
  readonly proposals: number;
  /** Level of a region, of those that are pooled from. */
  readonly levelOf: (region: Region, level: number | undefined, levels: number) => number;
}

/** Units of the deltas that the attached head predicts. */
const DEVIATIONS = [0.1, 0.1, 0.2, 0.2] as const;

/**
 * With R = N · regions slots:
 * - `rois.…`: see `regionInputs`; `boxes` [N, regions, 4], the regions themselves, 0 for empty slots;
 * - `labels` int32 [R], K for background; `rows` [R], 1 / (slots in use); `objects` [R], the same for positives only; `targets` [R, 4] deltas;
 * - `cells` int32 [R, 1], the cell of the region's anchor among all of the batch; `kept` [R], 1 / (regions with an anchor);
 *   `positives` [R], 1 / (positives with an anchor); `counts.<level>` [N, cells], regions from each cell.
 */
export function sampleRegionInputs(batch: BatchTruth, observed: HostTensors, layout: RegionLayout): HostTensors {
  const { traits } = layout;
  const levels = mapLevels(traits, batch.inputSize);
  const perLevel = levels.map(({ places }) => places * traits.anchorsPerCell);
  const proposals = keepProposals(observed, batch.contentSizes, { nms: layout.nms, proposals: layout.proposals, perLevel });
  const random = batch.random ?? Random.of(0);
  const drawn = batch.truth.map((truth, image) => sampleRegions(at(proposals, image), truth, layout, random));
  const placed = new Map<Box, number>(drawn.flat().map((region) => [region.box, layout.levelOf(region, region.anchor === undefined ? undefined : levelAt(region.anchor, perLevel), layout.pooled)]));
  const levelOf: LevelRule = (box) => placed.get(box) ?? 0;
  const maps = levels.slice(0, layout.pooled).map(({ rows, columns }, level) => ({ rows, columns, stride: at(traits.levels, level).stride }));
  const shown = { maps, sampling: { output: layout.output, samples: 'adaptive', aligned: true }, slots: layout.regions, levelOf } as const;
  return {
    ...regionInputs('rois', drawn.map((regions) => regions.map(({ box }) => box)), shown),
    ...rowInputs(drawn, batch.truth, layout), ...cellInputs(drawn, levels.map(({ name, places }) => ({ name, places })), layout),
  };
}

function rowInputs(drawn: readonly (readonly Region[])[], truth: readonly GroundTruth[], { regions, traits }: RegionLayout): HostTensors {
  const slots = drawn.length * regions;
  const labels = new Int32Array(slots).fill(traits.classes.length);
  const [used, objects, targets, boxes] = [new Float32Array(slots), new Float32Array(slots), new Float32Array(slots * 4), new Float32Array(slots * 4)];
  const share = 1 / Math.max(1, drawn.flat().length);
  drawn.forEach((own, image) => {
    own.forEach(({ box, object }, place) => {
      const slot = image * regions + place;
      used[slot] = share;
      boxes.set(box, slot * 4);
      if (object === 0) return;
      labels[slot] = at(at(truth, image).labels, object - 1);
      objects[slot] = share;
      targets.set(encode(box, at(at(truth, image).boxes, object - 1)).map((delta, side) => delta / at(DEVIATIONS, side)), slot * 4);
    });
  });
  return {
    labels: int32([slots], labels), rows: float32([slots], used), objects: float32([slots], objects), targets: float32([slots, 4], targets),
    boxes: float32([drawn.length, regions, 4], boxes),
  };
}

function cellInputs(drawn: readonly (readonly Region[])[], levels: readonly { name: string; places: number }[], { regions, traits }: RegionLayout): HostTensors {
  const slots = drawn.length * regions;
  const width = levels.reduce((sum, { places }) => sum + places, 0);
  const [cells, kept, positives, counts] = [new Int32Array(slots), new Float32Array(slots), new Float32Array(slots), new Float32Array(drawn.length * width)];
  drawn.forEach((own, image) => {
    own.forEach(({ anchor, object }, place) => {
      if (anchor === undefined) return;
      const [slot, cell] = [image * regions + place, image * width + Math.floor(anchor / traits.anchorsPerCell)];
      cells[slot] = cell;
      kept[slot] = 1;
      positives[slot] = object > 0 ? 1 : 0;
      counts[cell] = (counts[cell] ?? 0) + 1;
    });
  });
  let offset = 0;
  const byLevel = levels.map(({ name, places }) => {
    const from = offset;
    offset += places;
    const values = drawn.flatMap((_, image) => [...counts.subarray(image * width + from, image * width + from + places)]);
    return [`counts.${name}`, float32([drawn.length, places], Float32Array.from(values))] as const;
  });
  return { cells: int32([slots, 1], cells), kept: float32([slots], meansOf(kept)), positives: float32([slots], meansOf(positives)), ...Object.fromEntries(byLevel) };
}

/** Marks as weights of a mean: 1 / (number of marks). */
function meansOf(marks: Float32Array): Float32Array {
  const share = 1 / Math.max(1, marks.reduce((sum, mark) => sum + mark, 0));
  return marks.map((mark) => mark * share);
}
