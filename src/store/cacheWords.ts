/** What the cache of teachers' outputs did in a run, in one line. */
import { byteSize } from '../byteSize.ts';
import { type TeacherCacheSummary } from '../experiment/record.ts';

/** `teacher cache: 1,234 of 1,500 outputs found (82 %), 4.1 GB on disk, about 42 s of the teacher's time saved`. */
export function cacheWords({ hits, misses, bytes, secondsSaved }: TeacherCacheSummary): string {
  const all = hits + misses;
  const share = all === 0 ? '' : ` (${Math.floor((100 * hits) / all)} %)`;
  return [
    `teacher cache: ${hits.toLocaleString('en')} of ${all.toLocaleString('en')} outputs found${share}`,
    ...(bytes === undefined ? [] : [`${byteSize(bytes)} on disk`]),
    ...(secondsSaved === undefined || secondsSaved < 1 ? [] : [`about ${duration(secondsSaved)} of the teacher's time saved`]),
  ].join(', ');
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 90 * 60 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
