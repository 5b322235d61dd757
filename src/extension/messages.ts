/** Messages from the page are checked as if a stranger had sent them: a wrong one is dropped, never half believed. */
import { z } from 'zod';
import { type ToHost } from '../../webview/contract.ts';

const name = z.string().min(1).max(500);

/** Characters or bytes: 100,000 steps of ten lines are some 20 million. */
const MOST_SAVED = 64 * 2 ** 20;

const schema = z.union([
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('action'), action: z.enum(['stop', 'kill', 'resume', 'further', 'report', 'log', 'line']) }),
  z.strictObject({ type: z.literal('pictures'), folder: name }),
  z.strictObject({ type: z.literal('image'), file: name }),
  z.strictObject({ type: z.literal('save'), kind: z.enum(['csv', 'svg']), name, content: z.string().max(MOST_SAVED) }),
  z.strictObject({ type: z.literal('save'), kind: z.literal('png'), name, content: z.instanceof(ArrayBuffer).refine((bytes) => bytes.byteLength <= MOST_SAVED) }),
  z.strictObject({ type: z.literal('methodPage'), method: z.string().regex(/^[a-z0-9-]{1,40}$/) }),
]);

export function parseMessage(message: unknown): ToHost | undefined {
  const result = schema.safeParse(message);
  return result.success ? result.data : undefined;
}

const viewState = z.object({ runId: z.string().min(1).max(300) });

/** The run that a page from before a reload showed; its other keys are the page's own business. */
export function restoredRunId(state: unknown): string | undefined {
  const result = viewState.safeParse(state);
  return result.success ? result.data.runId : undefined;
}
