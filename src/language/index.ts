/**
 * Everything that helps to write an experiment, without an editor. A bundle of its own (`dist/language.js`): the parts of the
 * extension ask for it by `await import('../../language/index.ts')` when the first experiment is worked on, never before.
 */
export { type DataPlace, type FolderEntry, type OpenText, type Surroundings, type TextEdit, type TextRange, type WeightFile } from './types.ts';
export { fixAll, fixesFor, type Fix } from './fixes.ts';
