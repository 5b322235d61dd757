/** What this window deleted and can put back. When it closes, it is gone for good. */
import path from 'node:path';
import type * as vscode from 'vscode';
import { type Trashed } from '../store/index.ts';
import { inBackground } from './context.ts';

/** One act of the user, perhaps in several folders of runs. */
export type Deletion = readonly Trashed[];

export class Trash implements vscode.Disposable {
  private readonly log: vscode.LogOutputChannel;
  private readonly kept = new Set<Trashed>();

  constructor(log: vscode.LogOutputChannel) {
    this.log = log;
  }

  /** @param places by folder of runs. @throws DistillError of `moveToTrash`. */
  async remove(places: ReadonlyMap<string, readonly string[]>): Promise<Deletion> {
    const { moveToTrash } = await import('../store/index.ts');
    const done: Trashed[] = [];
    for (const [root, list] of places) {
      const trashed = await moveToTrash(root, list);
      this.kept.add(trashed);
      done.push(trashed);
      this.log.info(`deleted ${list.map((place) => path.relative(root, place)).join(', ')}: ${trashed.bytes} bytes`);
    }
    return done;
  }

  async restore(deletion: Deletion): Promise<void> {
    const { restore } = await import('../store/index.ts');
    for (const trashed of deletion) {
      await restore(trashed);
      this.kept.delete(trashed);
    }
  }

  /** What is not gone when the editor ends goes when it next starts. */
  dispose(): void {
    for (const trashed of this.kept) inBackground(this.log, import('../store/index.ts').then(({ purge }) => purge(trashed)));
    this.kept.clear();
  }
}
