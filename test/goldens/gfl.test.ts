/** Parity with MMDetection's GFL over every stored case, op by op and captured. */
import { compareWithGoldens } from './support/denseFiles.ts';

compareWithGoldens('gfl', 'GFL');
