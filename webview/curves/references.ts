/** Values to compare with, as lines across a chart with their names above: the teacher's at the left, a control's at the right. A Chart.js plugin of our own. */
import { type Chart, type Plugin } from 'chart.js';
import { formatAp } from '../format.ts';
import { type Theme } from '../theme.ts';
import { type ReferenceSpec } from './charts.ts';

/** @param given what to draw now; `value` is 0…1, the axis in per cent */
export function referencesPlugin(given: () => { readonly references: readonly ReferenceSpec[]; readonly theme: Theme | undefined }): Plugin<'line'> {
  return {
    id: 'references',
    beforeDatasetsDraw(chart) {
      const { references, theme } = given();
      if (theme === undefined) return;
      for (const reference of references) {
        const y = heightOf(chart, reference);
        if (y !== undefined) line(chart, reference, y, theme);
      }
    },
    afterDatasetsDraw(chart) {
      const { references, theme } = given();
      if (theme === undefined) return;
      for (const reference of references) {
        const y = heightOf(chart, reference);
        if (y !== undefined) name(chart, reference, y, theme);
      }
    },
  };
}

function heightOf(chart: Chart<'line'>, { value }: ReferenceSpec): number | undefined {
  const y = chart.scales.y?.getPixelForValue(100 * value);
  return y === undefined || y < chart.chartArea.top || y > chart.chartArea.bottom ? undefined : y;
}

function line({ ctx: pen, chartArea: area }: Chart<'line'>, { colour, dash }: ReferenceSpec, y: number, theme: Theme): void {
  pen.save();
  pen.strokeStyle = theme.colours[colour];
  pen.lineWidth = theme.highContrast ? 1.8 : 1.2;
  pen.setLineDash([...dash]);
  pen.beginPath();
  pen.moveTo(area.left, y);
  pen.lineTo(area.right, y);
  pen.stroke();
  pen.restore();
}

function name({ ctx: pen, chartArea: area }: Chart<'line'>, reference: ReferenceSpec, y: number, theme: Theme): void {
  const atStart = reference.colour === 'teacher';
  pen.save();
  pen.font = `${theme.fontSize}px ${theme.font}`;
  pen.fillStyle = theme.foreground;
  pen.textAlign = atStart ? 'left' : 'right';
  pen.textBaseline = 'bottom';
  pen.fillText(`${reference.name} ${formatAp(reference.value)}`, atStart ? area.left + 4 : area.right - 4, y - 2);
  pen.restore();
}
