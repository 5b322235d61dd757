/** Whether a page can be read by everybody: axe, the contrast of lines, titles that are cut. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Frame, type Page } from 'playwright-core';

type Place = Page | Frame;

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/**
 * What axe finds serious or critical, in words.
 * @param part selector of what is looked at; default: everything
 * @param notOurs rules that the editor's own markup breaks whatever is in it
 */
export async function seriousFindings(place: Place, part?: string, notOurs: readonly string[] = []): Promise<string[]> {
  await place.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const where = part === undefined ? 'document' : `{ include: [[${JSON.stringify(part)}]] }`;
  const findings = await place.evaluate<Finding[]>(`axe.run(${where}, { resultTypes: ["violations"], iframes: false, rules: ${JSON.stringify(Object.fromEntries(notOurs.map((rule) => [rule, { enabled: false }])))} }).then((result) => result.violations)`);
  return findings.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
}

/** Samples of lines in sight (others are painted when they come there) that stand out less than graphics must, 3 : 1. axe looks at texts alone. */
export async function faintLines(place: Place): Promise<string[]> {
  return place.evaluate(`(() => {
    const pen = document.createElement('canvas').getContext('2d');
    const rgb = (colour) => { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); };
    const luminance = (colour) => rgb(colour).map((byte) => byte / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = luminance(getComputedStyle(document.body).backgroundColor);
    const inSight = (sample) => { const { top, bottom } = sample.getBoundingClientRect(); return bottom > 0 && top < innerHeight; };
    return [...document.querySelectorAll('.legend-item line, .legend-item rect, .sample line')].filter(inSight).flatMap((sample) => {
      const colour = sample.getAttribute('stroke') ?? sample.getAttribute('fill');
      const own = luminance(colour);
      const contrast = (Math.max(own, behind) + 0.05) / (Math.min(own, behind) + 0.05);
      return contrast < 2.99 ? [colour + ' ' + contrast.toFixed(2)] : [];
    });
  })()`);
}

/** Titles of which a part cannot be read. */
export async function cutTitles(place: Place): Promise<string[]> {
  return place.evaluate(`[...document.querySelectorAll('h2, h3')].filter((title) => title.scrollWidth > title.clientWidth + 1 || title.scrollHeight > title.clientHeight + 1).map((title) => title.textContent)`);
}
