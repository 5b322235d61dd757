/** Parity with MMDetection's ATSS over every stored case, op by op and captured. */
import { compareWithGoldens } from './support/denseFiles.ts';

compareWithGoldens('atss', 'ATSS');
