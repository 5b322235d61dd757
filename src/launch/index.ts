/** Making run folders, and starting, stopping and resuming the runs in them. */
export { lengthOutlook, type LengthOutlook } from './length.ts';
export { kill, requestStop, startLocal, type StartOptions } from './local.ts';
export { resumeRun, type ResumeOptions } from './resume.ts';
export { createRunFolder, type NewRun, slugOf } from './runFolder.ts';
