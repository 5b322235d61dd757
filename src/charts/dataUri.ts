/** An SVG as the address of a picture. Base64: nothing in it is left for an editor, Markdown or CSS to take for its own. */
export function svgDataUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg, 'utf8').toString('base64')}`;
}
