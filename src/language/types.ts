/** What the parts of this room take and give: plain data with offsets, so that any editor can be put round them. */

/** An experiment as it stands in an editor, saved or not. */
export interface OpenText {
  readonly text: string;
  /** Its path, for messages and for what is relative to it. */
  readonly file: string;
}

/** Characters from the start of the text; `end` is exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

export interface TextEdit {
  readonly range: TextRange;
  readonly text: string;
}

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** A file that `weights` may name. */
export interface WeightFile {
  /** As it would be written in the experiment: relative to its folder, with forward slashes. */
  readonly path: string;
  /** What a reader needs to choose: the run it came from and its AP, or its size. */
  readonly detail: string;
}

/** Where a data set lies, as the file says, with `root` resolved. */
export interface DataPlace {
  readonly format: 'coco' | 'voc' | 'yolo';
  /** Absolute. */
  readonly root: string;
  /** Relative to `root`: COCO's annotations of the training images, YOLO's data.yaml; VOC has none. */
  readonly index?: string | undefined;
  /** VOC: name of the list of training images. */
  readonly list?: string | undefined;
}

/**
 * Machine and workspace, as far as an experiment speaks of them. Nobody hands it in where the workspace is not
 * trusted: then only the schema speaks. Nothing here throws; what cannot be read is empty.
 */
export interface Surroundings {
  /** @param folder absolute */
  readonly list: (folder: string) => Promise<readonly FolderEntry[]>;
  /** Class names in the order of the data set; bounded reading, so possibly none of a huge one. */
  readonly classNames: (data: DataPlace) => Promise<readonly string[]>;
  /** Checkpoints of earlier runs first, then weight files near the experiment. */
  readonly weights: (baseFolder: string) => Promise<readonly WeightFile[]>;
  /** Values of `engine.device` with what they are. */
  readonly devices: () => Promise<readonly { readonly value: string; readonly detail: string }[]>;
}
