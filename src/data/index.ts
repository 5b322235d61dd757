/** What other rooms use of the data. */
export { BatchLoader, type BatchLoaderOptions } from './batchLoader.ts';
export { type Annotations, annotationsForEvaluation, describeDataSet, descriptionLines, type DataSetDescription } from './describe.ts';
export { imageFromFile } from './images.ts';
export { openDataSet, type OpenOptions } from './open.ts';
export { prepareExample, type PrepareConfig } from './prepare.ts';
export { validationExamples } from './validation.ts';
