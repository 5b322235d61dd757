/** What methods that tap the backbone's stages must know of them. */
import { BACKBONE_FORMS, stageChannels } from '../../detectors/backbone.ts';
import { type DetectorTraits } from '../../detectors/detector.ts';

/** Channels of C2…C5. */
export function backboneChannels({ backbone }: Pick<DetectorTraits, 'backbone'>): number[] {
  const form = Object.entries(BACKBONE_FORMS).find(([name]) => name === backbone)?.[1];
  if (form === undefined) throw new RangeError(`there is no backbone ${backbone}`);
  return stageChannels(form);
}
