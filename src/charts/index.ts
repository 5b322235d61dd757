/** Charts as SVG text, for hovers, reports and exports. */
export { type BarChart, barChartSvg, type BarSeries } from './barChart.ts';
export { svgDataUri } from './dataUri.ts';
export { failureMarkSvg } from './failureMark.ts';
export { type LineChart, lineChartSvg, type Reference, type Series, type Size } from './lineChart.ts';
export { type Palette, paletteOf, type ThemeKind } from './palette.ts';
export { type BandPoint, type Point } from './path.ts';
export { type Spark, sparklineSvg, type SparkSeries } from './sparkline.ts';
export { escapeXml } from './text.ts';
