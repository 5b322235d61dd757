/** What drawn scenes show, in the order of the network's outputs where `data.classes` is left out. */
export const SCENE_CLASSES = ['disc', 'square', 'triangle', 'star', 'cross', 'ring'] as const;
