/** Values and names as YAML, and as text of a snippet. */

/** Nothing in it has a meaning to a snippet. */
export function literal(text: string): string {
  return text.replaceAll(/[\\$}]/g, '\\$&');
}

/** A string as YAML reads it back: plain where that is safe, else in double quotes. */
export function yamlString(text: string): string {
  const plain = /^[\p{L}_./~][\p{L}\p{N}_./~+@=()$-]*(?: [\p{L}\p{N}_./~+@=()$-]+)*$/u.test(text);
  // Words that YAML takes for something else.
  return plain && !/^(?:true|false|null|~|\.inf|\.nan)$/i.test(text) ? text : JSON.stringify(text);
}

/** In one line. */
export function yamlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlValue).join(', ')}]`;
  if (typeof value === 'string') return yamlString(value);
  if (typeof value === 'number') return yamlNumber(value);
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** As people write it: 5e-6, not 0.000005. */
export function yamlNumber(value: number): string {
  const plain = String(value);
  if (value === 0 || Math.abs(value) >= 1e-3 || !Number.isFinite(value)) return plain;
  const short = value.toExponential();
  return short.length < plain.length ? short : plain;
}
