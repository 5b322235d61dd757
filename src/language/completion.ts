/** What completion answers with. Its texts for people are made by the editor's side from `facts`. */
import { type KeyFacts } from './facts.ts';
import { type TextRange } from './types.ts';

export type CompletionKind = 'key' | 'value' | 'block' | 'file' | 'folder' | 'class' | 'checkpoint' | 'device';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** Beside the label, in few words. */
  readonly detail?: string | undefined;
  readonly facts?: KeyFacts | undefined;
  /** In the syntax of snippets: `$1`, `${1:default}`. Further lines are indented less the indentation of the cursor's line. */
  readonly insert: string;
  readonly range: TextRange;
  /** What is typed is held against this instead of the label. */
  readonly filter?: string | undefined;
  /** Whether what is put in leaves something to choose, so that the editor asks again. */
  readonly askAgain: boolean;
  /** The value that holds anyway. */
  readonly isDefault: boolean;
}
