/** Parity with torchvision's and MMDetection's FCOS over every stored case, op by op and captured. */
import { compareWithGoldens } from './support/denseFiles.ts';

compareWithGoldens('fcos', 'FCOS');
