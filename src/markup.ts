/** Text made fit to stand in markup. Every room may import this file; it imports nothing of ours. */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text nodes and quoted attributes alike; what becomes of control characters is for the caller to say. */
export function escapeSigns(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');
}

/**
 * For Markdown that must show it as it is, in one line: every mark that could mean something is escaped. (`MarkdownString.appendText`
 * does that too, but makes spaces that no line breaks at.)
 */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().replaceAll(/[!-/:-@[-`{-~]/g, '\\$&');
}
