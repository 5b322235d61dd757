/**
 * What a run leaves behind: names of the files in a run folder and the lines of `events.jsonl`.
 * Written by `src/run`, read (tolerantly) by `src/store`; nothing here touches the disk.
 */
import { z } from 'zod';

export const FILES = {
  experiment: 'experiment.yaml',
  /** Defaults filled in, and where each key stood; read by `parseResolved` of `resolved.ts`. */
  resolved: 'resolved.json',
  events: 'events.jsonl',
  heartbeat: 'heartbeat',
  /** Who was started when, written by the launcher: tells of a child that died before its first heartbeat. */
  launch: 'launch.json',
  /** Of a run that a scheduler starts: what it says of the job, written by the sweep's queue. */
  job: 'job.json',
  log: 'log.txt',
  /** Its presence asks the run to save and stop. */
  stopRequest: 'stop',
  checkpoints: 'checkpoints',
  pictures: 'pictures',
  report: 'report.html',
  /** What a person wrote about the run: a name for display, a pin. */
  note: 'note.json',
} as const;

/** `student` is the distilled one; controls train without distillation, `controlInherit` with the inherited neck and head. */
export const armSchema = z.enum(['student', 'control', 'controlInherit']);
export type Arm = z.infer<typeof armSchema>;

/** COCO's twelve numbers in 0…1, −1 where undefined. */
export const metricsSchema = z.object({
  AP: z.number(), AP50: z.number(), AP75: z.number(), APs: z.number(), APm: z.number(), APl: z.number(),
  AR1: z.number(), AR10: z.number(), AR100: z.number(), ARs: z.number(), ARm: z.number(), ARl: z.number(),
});
export type Metrics = z.infer<typeof metricsSchema>;

const time = z.number().describe('Milliseconds since 1970.');

const started = z.object({
  type: z.literal('started'), time, pid: z.number(), host: z.string(),
  name: z.string(), totalSteps: z.number(), stepsPerEpoch: z.number(),
  /** The step that each arm goes on from; 0 in a fresh run. */
  from: z.record(armSchema, z.number()).or(z.partialRecord(armSchema, z.number())),
  engine: z.object({ backend: z.string(), device: z.string(), precision: z.string(), captured: z.boolean(), notice: z.string().optional() }),
  /** One line for people: `RetinaNet R50 → RetinaNet R18 · FGD · scenes, 1,200 images`. */
  summary: z.string(),
  arms: z.array(armSchema), methods: z.array(z.string()), classes: z.array(z.string()),
  /** What people call the methods, by id. */
  methodTitles: z.record(z.string(), z.string()).optional(),
});
const phase = z.object({ type: z.literal('phase'), time, phase: z.enum(['engine', 'data', 'teacher', 'capturing', 'training', 'evaluating', 'saving']), arm: armSchema.optional(), detail: z.string().optional() });
const step = z.object({
  type: z.literal('step'), time, arm: armSchema, step: z.number(),
  /** `total`, `detection.classification`, `detection.box`, `fgd.foreground`, … all weighted, so that they sum to total. */
  losses: z.record(z.string(), z.number()),
  learningRate: z.number(), gradientNorm: z.number(), imagesPerSecond: z.number(),
});
const evaluation = z.object({
  type: z.literal('evaluation'), time, step: z.number(),
  /** `teacher` is evaluated once, at step 0. */
  subject: z.union([armSchema, z.literal('teacher')]),
  metrics: metricsSchema, perClass: z.record(z.string(), metricsSchema), seconds: z.number(),
});
/** Masks were recorded; the index is `pictures/<arm>-<step>/index.json`. */
const pictures = z.object({ type: z.literal('pictures'), time, arm: armSchema, step: z.number(), folder: z.string() });
const checkpoint = z.object({ type: z.literal('checkpoint'), time, arm: armSchema, step: z.number(), folder: z.string(), kind: z.enum(['last', 'best']) });
const warning = z.object({ type: z.literal('warning'), time, message: z.string(), code: z.string().optional() });
const teacherCache = z.object({
  hits: z.number(), misses: z.number(), precision: z.enum(['half', 'full']),
  /** Of all entries of the folder. */
  bytes: z.number().optional(),
  /** Hits times what the teacher takes for an image. */
  secondsSaved: z.number().optional(),
});
export type TeacherCacheSummary = z.infer<typeof teacherCache>;
const ended = z.object({
  type: z.literal('ended'), time, state: z.enum(['finished', 'stopped', 'failed']),
  /** Most memory that the process held, in bytes. */
  peakMemory: z.number().optional(),
  /** Outputs of teachers, one an image: found in the cache, and computed. */
  teacherCache: teacherCache.optional(),
  error: z.object({ code: z.string(), message: z.string(), explanation: z.string(), line: z.number().optional() }).optional(),
});

export const eventSchema = z.discriminatedUnion('type', [started, phase, step, evaluation, pictures, checkpoint, warning, ended]);
export type RunEvent = z.infer<typeof eventSchema>;
export type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

/** `heartbeat`: rewritten every second by a thread of the child that a long step cannot hold up. */
export const heartbeatSchema = z.object({ pid: z.number(), host: z.string(), time, /** Start time of the process as the system tells it, so that a reused pid is not taken for the run. */ processStart: z.string() });
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** `launch.json`: the same facts as a heartbeat, at the moment of the start. */
export const launchSchema = heartbeatSchema;
export type Launch = Heartbeat;

/** `job.json`: a job of a cluster's scheduler, as it was last seen. */
export const jobSchema = z.object({
  launcher: z.enum(['slurm', 'ray', 'kubernetes']), job: z.string(), state: z.enum(['waiting', 'running', 'ended']),
  /** One sentence for people. */
  reason: z.string().optional(),
  /** When the job was handed over, or began to wait again: what happened before belongs to an earlier attempt. */
  since: z.number(),
});
export type JobNote = z.infer<typeof jobSchema>;

/** In `resolved.json` of a run that belongs to a sweep. */
export const sweepNoteSchema = z.object({
  /** Name of the folder under `sweeps` beside the run folders. */
  id: z.string(),
  /** Name of the experiment. */
  name: z.string(),
  /** Of the run within its sweep. */
  key: z.string(),
  /** A control is trained without distillation, once a seed, and belongs to all runs that name it. */
  role: z.enum(['student', 'control']),
  /** The combination's values in few words; empty where only seeds differ. */
  label: z.string(),
  /** By path of the key. */
  values: z.record(z.string(), z.unknown()),
  seed: z.number(),
  /** Keys of the controls that this run's gain is reckoned against. */
  controls: z.array(z.string()),
});
export type SweepNote = z.infer<typeof sweepNoteSchema>;

/** Derived by the store, never written. */
export type RunState = 'preparing' | 'running' | 'stopping' | 'stopped' | 'finished' | 'failed' | 'killed' | 'lost';

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
/** `pictures/<arm>-<step>/index.json`. Values lie in `values.bin` beside it: float32, little-endian. */
export const pictureIndexSchema = z.object({
  step: z.number(), arm: armSchema,
  images: z.array(z.object({
    id: z.string(), /** Relative to `pictures/`; each image is stored once a run. */ file: z.string(), width: z.number(), height: z.number(),
    /** Boxes in pixels of the stored image. */
    groundTruth: z.array(z.object({ box, label: z.number() })),
    teacher: z.array(z.object({ box, label: z.number(), score: z.number() })),
    student: z.array(z.object({ box, label: z.number(), score: z.number() })),
  })),
  masks: z.array(z.object({
    method: z.string(), kind: z.string(), title: z.string(), caption: z.string(), form: z.enum(['map', 'bars', 'matrix', 'boxes']),
    signed: z.boolean(), role: z.enum(['teacher', 'student', 'difference', 'shared']), level: z.string(),
    /** Input pixels per cell; 1 where the picture belongs to no level. */
    stride: z.number(),
    image: z.number(), /** [H, W] of maps, [C] of bars, [rows, columns] of matrices, [R, 5] of boxes (corners in input pixels, value). */ shape: z.array(z.number()),
    /** In float32 values, not bytes. */
    offset: z.number(),
  })),
});
export type PictureIndex = z.infer<typeof pictureIndexSchema>;
