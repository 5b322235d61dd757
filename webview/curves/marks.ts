/** What stands on the x axis besides numbers: checkpoints, and where a run was resumed. A Chart.js plugin of our own. */
import { type Plugin } from 'chart.js';

export interface Marks {
  /** Places on the x axis, sorted. */
  readonly checkpoints: readonly { readonly x: number; readonly best: boolean }[];
  readonly resumes: readonly number[];
  readonly colour: string;
  readonly accent: string;
}

export const NO_MARKS: Marks = { checkpoints: [], resumes: [], colour: '', accent: '' };

/** Nearer than this many pixels two marks are one. */
const CLOSE = 5;

export function marksPlugin(marks: () => Marks): Plugin<'line'> {
  return {
    id: 'runMarks',
    afterDatasetsDraw(chart) {
      const { ctx: pen, chartArea: area } = chart;
      const x = chart.scales.x;
      if (x === undefined) return;
      const { checkpoints, resumes, colour, accent } = marks();
      const inside = (pixel: number): boolean => pixel >= area.left - 1 && pixel <= area.right + 1;
      pen.save();
      let last = -Infinity;
      for (const checkpoint of checkpoints) {
        const pixel = x.getPixelForValue(checkpoint.x);
        if (!inside(pixel) || (pixel - last < CLOSE && !checkpoint.best)) continue;
        last = pixel;
        pen.fillStyle = checkpoint.best ? accent : colour;
        triangle(pen, pixel, area.bottom, checkpoint.best ? 5 : 3.5);
      }
      pen.strokeStyle = colour;
      pen.setLineDash([1, 3]);
      for (const place of resumes) {
        const pixel = Math.round(x.getPixelForValue(place)) + 0.5;
        if (!inside(pixel)) continue;
        pen.beginPath();
        pen.moveTo(pixel, area.top);
        pen.lineTo(pixel, area.bottom);
        pen.stroke();
      }
      pen.restore();
    },
  };
}

function triangle(pen: CanvasRenderingContext2D, x: number, bottom: number, size: number): void {
  pen.beginPath();
  pen.moveTo(x, bottom - size * 1.5);
  pen.lineTo(x + size, bottom);
  pen.lineTo(x - size, bottom);
  pen.fill();
}
