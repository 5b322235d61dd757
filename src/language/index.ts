/**
 * Everything that helps to write an experiment, without an editor. A bundle of its own (`dist/language.js`): the parts of the
 * extension ask for it by `await import('../../language/index.ts')` when the first experiment is worked on, never before.
 */
export { type DataPlace, type FolderEntry, type OpenText, type Surroundings, type TextEdit, type TextRange, type WeightFile } from './types.ts';
export { fixAll, fixesFor, type Fix } from './fixes.ts';
export { complete } from './complete.ts';
export { type Completion, type CompletionKind } from './completion.ts';
export { cursorAt, type Cursor } from './cursor.ts';
export { type Default, defaultOf } from './defaults.ts';
export { type Definition, definition } from './definition.ts';
export { factsAt, type KeyFacts, type MethodFacts } from './facts.ts';
export { format } from './format.ts';
export { hover, type Hover } from './hover.ts';
export { type Fold, folds, outline, type OutlineEntry } from './outline.ts';
export { readTree, type Tree } from './tree.ts';
export { surroundings, type KnownRun } from './surroundings.ts';
export { inlayHints, type Hint } from './inlay.ts';
