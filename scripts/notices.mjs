/** Whose code the bundles hold, under which licences, with the licences' words: `dist/THIRD_PARTY_NOTICES.txt`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const RULE = '-'.repeat(80);
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;
/** What a package that brings no text means by the name of its licence. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/**
 * @param metafiles of the bundles, by esbuild: what a bundle left out is not named
 * @throws where a package does not say under which licence it is, or brings no text of a licence that is not known here: such a one
 * has no business in a bundle
 */
export function noticesOf(root, metafiles) {
  const inputs = metafiles.flatMap(({ outputs }) => Object.values(outputs).flatMap((output) => Object.entries(output.inputs)));
  const folders = new Set(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([input]) => packageFolder(input)).filter((folder) => folder !== undefined));
  // Packages of one family share a text.
  const titles = new Map();
  for (const folder of folders) {
    const { title, text } = noticeOf(root, join(root, folder));
    titles.set(text, (titles.get(text) ?? new Set()).add(title));
  }
  const sections = [...titles].map(([text, owners]) => `${[...owners].sort().join('\n')}\n\n${text}\n`).sort();
  return `The bundles of Distill Lab hold code of these packages.\n\n${sections.map((section) => `${RULE}\n${section}`).join('\n')}`;
}

/** `node_modules/a/node_modules/@b/c` of a file in it, which may stand behind the name of a plugin's namespace. */
function packageFolder(input) {
  return /(?:^|:)((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

function noticeOf(root, folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const read = (file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim();
  const texts = readdirSync(folder).filter((file) => LICENCE_FILE.test(file)).sort().map((file) => read(join(folder, file)));
  const title = `${name} ${version} (${license})`;
  if (texts.length > 0 && typeof license === 'string') return { title, text: texts.join('\n\n') };
  if (license === 'MIT') return { title, text: `Copyright ${author?.name ?? author ?? `the authors of ${name}`}\n\n${MIT}` };
  // Ours is the same.
  if (license?.startsWith('Apache-2.0')) return { title, text: read(join(root, 'LICENSE')) };
  throw new Error(`${title} does not bring the text of its licence: see whether it may be bundled, and under what (scripts/notices.mjs)`);
}
