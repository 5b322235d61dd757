/** Reading run folders. */
export { EventLog, type LogMark, type LogPart } from './eventLog.ts';
export { type Gain, type History, type Scored, type Subject } from './history.ts';
export { listRuns } from './list.ts';
export { isProcessAlive } from './processLife.ts';
export { readRun, type RunSummary } from './run.ts';
export { diskBytes, pictureFile, readImage, readLogTail, readPictures, readResolved } from './runFiles.ts';
export { isLive } from './state.ts';
export { type RunChange, type Watch, watchRun } from './watch.ts';
