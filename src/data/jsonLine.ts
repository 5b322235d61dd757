/** Where a text stops being JSON: not every JavaScript engine says so in its message. */

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/uy;

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or close' | 'end';

/** The 1-based line of the first thing that cannot stand where it stands. */
export function jsonErrorLine(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const match: RegExpExecArray | null = TOKEN.exec(text);
    const next: Expected | undefined = match === null ? undefined : after(expected, match[1] ?? (match[2] === undefined ? 'scalar' : 'string'), open);
    if (match === null || next === undefined) break;
    expected = next;
    at = TOKEN.lastIndex;
  }
  const blank = /\s*/y;
  blank.lastIndex = at;
  return text.slice(0, at + (blank.exec(text)?.[0].length ?? 0)).split('\n').length;
}

/** The state after a token, or undefined where it may not stand. Keeps `open` up to date. */
function after(expected: Expected, token: string, open: ('{' | '[')[]): Expected | undefined {
  const ended = (): Expected => (open.length === 0 ? 'end' : ', or close');
  const closes = token === '}' ? '{' : token === ']' ? '[' : undefined;
  if (closes !== undefined) {
    const allowed = expected === ', or close' || expected === (token === '}' ? 'key or }' : 'value or ]');
    return allowed && open.pop() === closes ? ended() : undefined;
  }
  switch (expected) {
    case 'value':
    case 'value or ]':
      if (token === '{' || token === '[') open.push(token);
      if (token === '{') return 'key or }';
      if (token === '[') return 'value or ]';
      return token === 'string' || token === 'scalar' ? ended() : undefined;
    case 'key':
    case 'key or }':
      return token === 'string' ? ':' : undefined;
    case ':':
      return token === ':' ? 'value' : undefined;
    case ', or close':
      if (token !== ',') return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    case 'end':
      return undefined;
  }
}
