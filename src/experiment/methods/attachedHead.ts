/** Options of methods that attach a two-stage box head to the student while it trains. */
import { z } from 'zod';

export const attachedHead = {
  regions: z.int().min(1).default(128).describe('Regions of each image that the attached head looks at; published with 512. Memory grows with it.'),
  positiveShare: z.number().min(0).max(1).default(0.25).describe('Largest share of regions with an object among them.'),
  positiveIou: z.number().min(0).max(1).default(0.5).describe('IoU from which on a region holds an object.'),
  proposals: z.int().min(1).default(300).describe('Boxes of the student that remain of each image after suppression; published with 1000.'),
  candidates: z.int().min(1).default(1000).describe('Best boxes of each level before suppression; published with 2000.'),
  nms: z.number().min(0).max(1).default(0.7).describe('IoU above which the weaker of two boxes goes.'),
  hidden: z.int().min(1).default(1024).describe('Width of the attached head\'s two layers.'),
  output: z.int().min(1).default(7).describe('Bins along each side of a pooled region.'),
};
