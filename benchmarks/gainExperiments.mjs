/**
 * What `gain.mjs` measures: on each data set, for each detector, two controls and the methods. All students of a data set train
 * by one schedule, on the same images, from the same weights for the same seed; only `distill` differs.
 */

export const SEEDS = [0, 1, 2];

/**
 * `example` of examples/ is the schedule. `teachers` by detector: a file that is there, or an example that trains one:
 * `each` seed its own, or `once` for all.
 */
export const SETS = {
  scenes: {
    example: 'scenes-fgd', steps: 1200,
    teachers: { retinanet: {}, gfl: { example: 'scenes-teacher', steps: 3600, seeds: 'once' } },
  },
  bccd: {
    example: 'bccd-fgd', steps: 600,
    teachers: { retinanet: { example: 'bccd-teacher', steps: 1200, seeds: 'each' }, gfl: { example: 'bccd-teacher', steps: 1200, seeds: 'each' } },
  },
};

/** FGD's published weights are made for other sizes of features; see docs/methods/fgd.md. */
const FGD = { method: 'fgd', scale: 'normalized', temperature: 1 };

/** `detector` of teacher and student; the controls come with the first row of each detector. What was not measured yet is on the page as not run. */
export const ROWS = [
  { id: 'fgd', title: 'FGD', detector: 'retinanet', distill: [FGD] },
  { id: 'rm-pfi', title: 'RM + PFI', detector: 'retinanet', distill: [{ method: 'rm' }, { method: 'pfi' }] },
  { id: 'cwd', title: 'CWD', detector: 'retinanet', distill: [{ method: 'cwd' }] },
  { id: 'pkd', title: 'PKD', detector: 'retinanet', distill: [{ method: 'pkd' }] },
  { id: 'crosskd', title: 'CrossKD', detector: 'retinanet', distill: [{ method: 'crosskd' }] },
  { id: 'bckd', title: 'BCKD', detector: 'retinanet', distill: [{ method: 'bckd' }] },
  { id: 'gfl-ld', title: 'LD', detector: 'gfl', distill: [{ method: 'ld' }] },
  { id: 'gfl-pkd-ld', title: 'PKD + LD', detector: 'gfl', distill: [{ method: 'pkd' }, { method: 'ld' }] },
  { id: 'crosskd-pkd', title: 'CrossKD + PKD', detector: 'retinanet', distill: [{ method: 'crosskd' }, { method: 'pkd' }] },
  { id: 'fgd-bckd', title: 'FGD + BCKD', detector: 'retinanet', distill: [FGD, { method: 'bckd' }] },
  { id: 'gfl-bckd', title: 'BCKD', detector: 'gfl', distill: [{ method: 'bckd' }] },
  { id: 'gfl-fgd', title: 'FGD', detector: 'gfl', distill: [FGD] },
];
