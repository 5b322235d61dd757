/**
 * A bundle in parts, as an editor's extension host can load them: what the entry needs at once, and a file for each thing that is
 * asked for later, in a folder of the entry's name.
 *
 * esbuild splits modules only, and the host wants CommonJS: so it makes modules, and each is turned into CommonJS here. Every
 * source is still evaluated once, whoever asks for it.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';

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

async function write({ outputFiles = [], errors, metafile }, dist) {
  if (errors.length > 0) return;
  const folder = join(dist, 'extension');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const maps = new Map(outputFiles.filter(({ path }) => path.endsWith('.map')).map(({ path, text }) => [path, text]));
  const modules = new Map(outputFiles.filter(({ path }) => path.endsWith('.js')).map(({ path, text }) => {
    const origin = Buffer.from(maps.get(`${path}.map`) ?? '{"version":3,"sources":[],"mappings":""}').toString('base64');
    return [path, `${text.replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n')}//# sourceMappingURL=data:application/json;base64,${origin}`];
  }));
  const entry = [...modules.keys()].find((path) => dirname(path) === dist);
  const root = dirname(dist);
  const held = neededAtOnce(metafile, relative(root, entry).replaceAll(sep, '/')).map((path) => join(root, path));
  await Promise.all([...modules].map(async ([path, source]) => {
    if (path === entry) await put(path, await inOne(entry, held, modules), './');
    else if (held.includes(path)) await writeFile(path, `module.exports=require("../${basename(entry)}").${nameOf(path)};\n`);
    else await put(path, await asCommonJs({ stdin: { contents: source, loader: 'js' } }), '../');
  }));
}

const nameOf = (path) => basename(path, '.js').replaceAll('-', '_');

/** Parts that an entry asks for before it does anything, all by their names in the metafile. */
export function neededAtOnce({ outputs }, entry) {
  const seen = new Set();
  const visit = (file) => {
    for (const { path, kind, external } of outputs[file].imports) {
      if (kind !== 'import-statement' || external === true || seen.has(path)) continue;
      seen.add(path);
      visit(path);
    }
  };
  visit(entry);
  return [...seen];
}

/** The entry with what it asks for at once: each file more is another way to the disk while an editor starts. Other parts find those in it, by name. */
async function inOne(entry, held, modules) {
  const contents = [`export * from ${JSON.stringify(entry)};`, ...held.map((path) => `export * as ${nameOf(path)} from ${JSON.stringify(path)};`)].join('\n');
  return asCommonJs({
    stdin: { contents, resolveDir: dirname(entry), loader: 'js' }, bundle: true,
    plugins: [{
      name: 'held',
      setup(build) {
        build.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
          const file = isAbsolute(path) ? path : join(dirname(importer), path);
          if (kind !== 'dynamic-import' && modules.has(file)) return { path: file };
          return { path: modules.has(file) ? `./extension/${basename(file)}` : path, external: true };
        });
        build.onLoad({ filter: /.*/ }, ({ path }) => ({ contents: modules.get(path), loader: 'js' }));
      },
    }],
  });
}

async function asCommonJs(options) {
  const esbuild = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = await esbuild.build({
    ...options, write: false, outdir: 'out', format: 'cjs', platform: 'node', target: TARGET, sourcemap: 'external', logLevel: 'warning',
    minifyWhitespace: true, minifySyntax: true, charset: 'utf8', legalComments: 'none',
    // `require` instead of `import()`: the extension host resolves and unwraps the former in every version.
    supported: { 'dynamic-import': false },
  });
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { code: text('.js'), map: text('.map') };
}

async function put(path, { code, map }, toDist) {
  await writeFile(path, `${plain(code, toDist)}//# sourceMappingURL=${basename(path)}.map\n`);
  await writeFile(`${path}.map`, map);
}

/** The editor's own module is asked for once a file, and needs no second face with a getter for each of its five hundred names. */
function plain(code, toDist) {
  const asked = code.replaceAll(/__toESM\(require\("vscode"\)\)/g, 'require("vscode")').replaceAll(`require("${OUTSIDE}`, `require("${toDist}`);
  const [first, ...more] = asked.matchAll(/[\w$]+=require\("vscode"\)/g);
  if (more.length === 0) return asked;
  const [name] = first[0].split('=');
  return asked.replaceAll(/([\w$]+)=require\("vscode"\)/g, (whole, other) => other === name ? whole : `${other}=${name}`);
}
