/** The parts of Chart.js that the curves use, and no more: the bundle holds what is named here. */
import { Chart, Filler, LineController, LineElement, LinearScale, LogarithmicScale, PointElement } from 'chart.js';

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, Filler);

export { Chart };
