/** Numbers and times as the page says them; the same everywhere. */
import { t } from './words.ts';

const NOTHING = '–';

/** Losses, norms, rates and mask values: three significant digits. */
export function formatValue(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return NOTHING;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? shortExponent(value) : size >= 999.5 ? Math.round(value).toString() : value.toPrecision(3);
  return text.replace('-', '−');
}

function shortExponent(value: number): string {
  const [mantissa = '', exponent = ''] = value.toExponential(2).split('e');
  return `${mantissa}e${exponent.replace('+', '')}`;
}

/** Axis labels: as short as the value allows. */
export function formatTick(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  return size < 1e-3 ? trimExponent(value) : trim(value).replace('-', '−');
}

const trim = (value: number): string => Number(value.toPrecision(3)).toString();
const trimExponent = (value: number): string => value.toExponential(1).replace('.0', '').replaceAll('-', '−');

/** AP in per cent with one decimal; `fraction` is 0…1, negative where COCO leaves it undefined. */
export function formatAp(fraction: number | undefined): string {
  return fraction === undefined || !(fraction >= 0) ? NOTHING : (100 * fraction).toFixed(1);
}

/** A difference of two APs, signed: `+5.4`. */
export function formatGain(fraction: number): string {
  const text = (100 * Math.abs(fraction)).toFixed(1);
  return `${fraction < 0 ? '−' : '+'}${text}`;
}

/** `12 s`, `3 min`, `1 h 20 min`: as people say it. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return NOTHING;
  if (seconds < 1) return t('under 1 s');
  if (seconds < 90) return t('{0} s', Math.round(seconds));
  if (seconds < 90 * 60) return t('{0} min', Math.round(seconds / 60));
  const hours = Math.floor(seconds / 3600);
  if (hours >= 48) return t('{0} days', Math.round(hours / 24));
  const minutes = Math.round((seconds - hours * 3600) / 60);
  if (minutes === 0 || minutes === 60) return t('{0} h', minutes === 0 ? hours : hours + 1);
  return t('{0} h {1} min', hours, minutes);
}

/** `1,500`: counts and steps, with a comma at thousands whatever the locale, as the summaries have it. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  const digits = Math.round(Math.abs(value)).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return value < 0 && digits !== '0' ? `−${digits}` : digits;
}

/** Words from a folder that anybody may have written: one line, bounded. */
export function clip(text: string, length = 80): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** `spatialAttention` → `spatial attention`. */
export function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`).replace(/[_-]+/g, ' ');
}
