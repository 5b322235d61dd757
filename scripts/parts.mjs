/**
 * A bundle in parts, as an editor's extension host can load them: what the entry needs at once, and a file for each thing that is
 * asked for later, in a folder of the entry's name.
 *
 * esbuild splits modules only, and the host wants CommonJS: so it makes modules, and each is turned into CommonJS here. Every
 * source is still evaluated once, whoever asks for it.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';

const TARGET = 'node20';

/** Beside `dist`, from wherever a part lies. */
const OUTSIDE = 'beside:';

/** How a plugin names a bundle of its own that is opened at run time: `beside('language.js')`. */
export function beside(name) {
  return { path: OUTSIDE + name, external: true };
}

/** Options of esbuild for such a bundle. @param node what all bundles for Node.js share */
export function inParts(node, dist) {
  return {
    // A part lies deeper than its entry: no source may ask where its bundle is.
    ...node, banner: {}, define: {}, format: 'esm', splitting: true, write: false, outdir: dist, chunkNames: 'extension/[name]-[hash]', entryNames: '[name]',
    // What is read while an editor starts. Names stay: stacks tell them.
    minifyWhitespace: true, minifySyntax: true, legalComments: 'none',
    plugins: [...(node.plugins ?? []), { name: 'in-parts', setup: (build) => { build.onEnd((result) => write(result, dist)); } }],
  };
}

async function write({ outputFiles = [], errors }, dist) {
  if (errors.length > 0) return;
  const esbuild = createRequire(import.meta.url)('esbuild');
  await rm(join(dist, 'extension'), { recursive: true, force: true });
  await mkdir(join(dist, 'extension'), { recursive: true });
  const maps = new Map(outputFiles.filter(({ path }) => path.endsWith('.map')).map(({ path, text }) => [path, text]));
  await Promise.all(outputFiles.filter(({ path }) => path.endsWith('.js')).map(async ({ path, text }) => {
    const source = text.replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n');
    const origin = Buffer.from(maps.get(`${path}.map`) ?? '{"version":3,"sources":[],"mappings":""}').toString('base64');
    const { code, map } = await esbuild.transform(`${source}//# sourceMappingURL=data:application/json;base64,${origin}`, {
      format: 'cjs', platform: 'node', target: TARGET, sourcemap: 'external', minifyWhitespace: true, minifySyntax: true, charset: 'utf8', legalComments: 'none',
      // `require` instead of `import()`: the extension host resolves and unwraps the former in every version.
      supported: { 'dynamic-import': false },
    });
    const name = path.split(sep).at(-1);
    await writeFile(path, `${plain(code, dirname(path) === dist ? './' : '../')}//# sourceMappingURL=${name}.map\n`);
    await writeFile(`${path}.map`, map);
  }));
}

/** The editor's own module needs no second face, with a getter for each of its five hundred names in every part that asks for it. */
function plain(code, toDist) {
  return code.replaceAll(/__toESM\(require\("vscode"\)\)/g, 'require("vscode")').replaceAll(`require("${OUTSIDE}`, `require("${toDist}`);
}
