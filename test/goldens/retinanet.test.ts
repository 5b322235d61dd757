/** Parity with torchvision's and MMDetection's RetinaNet over every stored case, op by op and captured. */
import { compareWithGoldens } from './support/denseFiles.ts';

compareWithGoldens('retinanet', 'RetinaNet');
