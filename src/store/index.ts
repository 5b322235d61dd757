/** Reading run folders, and the little that a person changes in them: a note, and what goes to the trash. */
export { cacheWords } from './cacheWords.ts';
export { chooseRuns, type Choice, groupRuns, type RunGroup, SORT_KEYS, type SortKey, sortRuns } from './arrange.ts';
export { type CleanUpItem, PICTURES_QUOTA, planCleanUp } from './cleanUp.ts';
export { EventLog, type LogMark, type LogPart } from './eventLog.ts';
export { RunFollower } from './follower.ts';
export { type Gain, type History, type Scored, type Subject } from './history.ts';
export { type ListMemory, listRuns, SWEEPS } from './list.ts';
export { LONGEST_TITLE, type Note, readNote, writeNote } from './note.ts';
export { LossReader, type LossPart, type LossPoint, LossSeries, type MethodLoss } from './losses.ts';
export { isProcessAlive } from './processLife.ts';
export { readRun, type RunSummary } from './run.ts';
export { diskBytes, isLink, pictureFile, readConfig, readImage, readLogTail, readPictures, readResolved } from './runFiles.ts';
export { isLive, isWaiting, mayComeBack } from './state.ts';
export { moveToTrash, purge, purgeAbandoned, refuseGoing, removeForGood, restore, type Trashed } from './trash.ts';
export { type RunChange, type Watch, watchRun } from './watch.ts';
