/** Outputs of teachers, kept on disk from one epoch and one run to the next. `docs/teacher-cache.md` says what this is for. */
export { decodeEntry, encodeEntry, type Precision } from './entry.ts';
export { defaultFolder, groupName, imageId, teacherId } from './place.ts';
export { type CachedOutput, type CacheGroup, type CachePlan } from './plan.ts';
export { Store, type StoreState } from './store.ts';
export { ABOUT } from './entries.ts';
export { deleteTeacher, readAbout, usageOf, type About, type TeacherUsage } from './usage.ts';
