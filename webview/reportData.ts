/** What a report embeds for the page in place of the editor's messages. No DOM here: the writer of reports imports it too. */
import { type PictureIndex, type RunEvent } from '../src/experiment/record.ts';
import { type RunHeader } from './contract.ts';

export interface ReportData {
  readonly header: RunHeader;
  readonly events: readonly RunEvent[];
  /** `values`: float32, little-endian, base64. */
  readonly pictures: readonly { readonly folder: string; readonly index: PictureIndex; readonly values: string }[];
  /** `bytes`: the stored file, base64. */
  readonly images: readonly { readonly file: string; readonly mime: string; readonly bytes: string }[];
}

/** The element that holds it as JSON. */
export const REPORT_ELEMENT = 'report-data';
