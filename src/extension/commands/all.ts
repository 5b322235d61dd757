/** What every command does. Loaded with the first one that is called; registering takes no more than their names (`index.ts`). */
import { type CommandFactory } from '../context.ts';
import { type CommandName } from './index.ts';
import { clearFilter, filterRuns, flattenRuns, groupRuns, refreshRuns, sortRuns } from './arrangeRuns.ts';
import { cleanUp } from './cleanUp.ts';
import { compare } from './compare.ts';
import { create } from './create.ts';
import { deleteRuns } from './deleteRuns.ts';
import { doctor } from './doctor.ts';
import { kill } from './kill.ts';
import { pin, rename, unpin } from './noteRuns.ts';
import { openPanel } from './openPanel.ts';
import { exportStudent, openConfig, openExperiment, openFromView, openLog, revealFolder } from './openRuns.ts';
import { report } from './report.ts';
import { resume } from './resume.ts';
import { run } from './run.ts';
import { resumeSweep, runSweep } from './runSweep.ts';
import { sample } from './sample.ts';
import { setup } from './setup.ts';
import { goToFailure, showLog } from './show.ts';
import { stop } from './stop.ts';
import { compareSweep, deleteSweep, openSweepLog, pauseSweep, showSweep, stopSweep, writeBest } from './sweeps.ts';
import { trainFurther } from './trainFurther.ts';
import { walkthrough } from './walkthrough.ts';

export const COMMANDS: Readonly<Record<CommandName, CommandFactory>> = {
  run, stop, resume, trainFurther, kill, openPanel, create, sample, walkthrough, doctor, setup, showLog, report, goToFailure, compare,
  openFromView, openLog, openConfig, openExperiment, revealFolder, exportStudent, rename, pin, unpin, deleteRuns, cleanUp,
  sortRuns, filterRuns, clearFilter, groupRuns, flattenRuns, refreshRuns,
  runSweep, pauseSweep, resumeSweep, stopSweep, showSweep, compareSweep, writeBest, openSweepLog, deleteSweep,
};
