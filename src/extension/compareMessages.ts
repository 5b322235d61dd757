/** Messages from the page of a comparison, checked as if a stranger had sent them. */
import { z } from 'zod';
import { METRICS } from '../comparison/best.ts';
import { type ToHost } from '../../webview/compare/contract.ts';

const name = z.string().min(1).max(500);
const MOST_TEXT = 64 * 2 ** 20;
const text = z.string().max(MOST_TEXT);
const bytes = z.instanceof(ArrayBuffer).refine(({ byteLength }) => byteLength <= MOST_TEXT);

const schema = z.union([
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('choose') }),
  z.strictObject({ type: z.literal('open'), id: name }),
  z.strictObject({ type: z.literal('writeBest'), metric: z.enum(METRICS) }),
  z.strictObject({ type: z.literal('pictures'), id: name, folder: name }),
  z.strictObject({ type: z.literal('image'), id: name, file: name }),
  z.strictObject({ type: z.literal('save'), kind: z.enum(['csv', 'svg', 'md', 'html']), name, content: text }),
  z.strictObject({ type: z.literal('save'), kind: z.literal('png'), name, content: bytes }),
]);

export function parseCompareMessage(message: unknown): ToHost | undefined {
  const result = schema.safeParse(message);
  return result.success ? result.data : undefined;
}

const state = z.object({ runs: z.array(z.string().min(1).max(300)).max(100), sweep: z.string().min(1).max(300).optional() });

/** The runs that a page from before a reload compared. */
export function restoredRuns(saved: unknown): readonly string[] {
  const result = state.safeParse(saved);
  return result.success ? result.data.runs : [];
}

/** The sweep that it compared as a whole. */
export function restoredSweep(saved: unknown): string | undefined {
  return state.safeParse(saved).data?.sweep;
}
