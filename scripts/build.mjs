/**
 * Bundles the product into `dist/`. `--watch` keeps at it; `--bench` bundles the benchmark too.
 *
 * Entries whose source is not there are left out. TensorFlow.js is one bundle of its own, opened when it is first needed:
 * it is three quarters of the code, and `--help` should not wait for it. The native engine stays outside: only what is
 * needed to compile it (tfjs's addon sources, Node-API's headers, our `quiet.c` and `kernels/`) is copied beside the bundles.
 */
import { cp, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noticesOf } from './notices.mjs';
import { beside, inParts, neededAtOnce } from './parts.mjs';
import { sourcesStamp, stampFile } from './stamp.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const watch = process.argv.includes('--watch');
const bench = process.argv.includes('--bench');

/** In a CommonJS bundle `import.meta` is empty: every module gets the bundle's own address instead. */
const moduleUrl = "const bundleUrl = require('node:url').pathToFileURL(__filename).href;";

const node = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  logLevel: 'warning',
  metafile: true,
  external: ['sharp', 'webgpu', 'vscode', '*.node'],
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: moduleUrl },
  // Both are asked for by code that a bundle never reaches.
  logOverride: { 'empty-import-meta': 'silent', 'require-resolve-not-external': 'silent' },
};

const browser = {
  absWorkingDir: root,
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  // It goes into every report.
  minify: true,
  sourcemap: true,
  logLevel: 'warning',
  metafile: true,
};

/** The parts of TensorFlow.js that the sources import, each run when it is asked for. All share one core. */
const tensorflowParts = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgpu',
  '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js',
  '@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js',
];
const tensorflowEntry = {
  contents: `exports.part = (name) => {
  switch (name) {
${tensorflowParts.map((name) => `    case '${name}': return require('${name}');`).join('\n')}
  }
};`,
  resolveDir: root,
  sourcefile: 'tensorflow.cjs',
};

/** Turns imports of TensorFlow.js into look-ups in `dist/tensorflow.js`. */
const tensorflowApart = {
  name: 'tensorflow-apart',
  setup(build) {
    build.onResolve({ filter: /^@tensorflow\// }, ({ path }) =>
      tensorflowParts.includes(path) ? { path, namespace: 'tensorflow' } : { errors: [{ text: `${path} is not in dist/tensorflow.js: add it to scripts/build.mjs` }] },
    );
    build.onResolve({ filter: /^\.\/tensorflow\.js$/, namespace: 'tensorflow' }, ({ path }) => ({ path, external: true }));
    build.onLoad({ filter: /.*/, namespace: 'tensorflow' }, ({ path }) => ({ contents: `module.exports = require('./tensorflow.js').part('${path}');` }));
  },
};

/** Turns the extension's imports of the language room into `dist/language.js`: it is opened with the first experiment. */
const languageApart = {
  name: 'language-apart',
  setup(build) {
    build.onResolve({ filter: /\/language\/index\.ts$/ }, ({ path, kind, importer, resolveDir }) => {
      if (join(resolveDir, path) !== join(root, 'src/language/index.ts')) return undefined;
      if (kind === 'dynamic-import') return beside('language.js');
      return { errors: [{ text: `${importer} would load the language room at once: use \`await import\` or \`import type\`` }] };
    });
  },
};
/** What is used of Kubernetes' client: with all that it can do it is as large as the command line, and most sweeps never need it. */
const kubernetesEntry = {
  contents: "export { ApiException, BatchV1Api, CoreV1Api, KubeConfig, Observable } from '@kubernetes/client-node';",
  resolveDir: root,
  sourcefile: 'kubernetes.mjs',
};

/** Turns imports of Kubernetes' client into `dist/kubernetes.js`. */
const kubernetesApart = {
  name: 'kubernetes-apart',
  setup(build) {
    const isInParts = build.initialOptions.splitting === true;
    build.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ kind, importer }) => {
      if (kind !== 'dynamic-import') return { errors: [{ text: `${importer} would load Kubernetes' client at once: use \`await import\` or \`import type\`` }] };
      return isInParts ? beside('kubernetes.js') : { path: './kubernetes.js', external: true };
    });
  },
};

/** No module of the client does anything by being loaded, which its manifest does not say. And a library of its asks for Node's deprecated `punycode`, about which newer Nodes complain to the user. */
const kubernetesTrimmed = {
  name: 'kubernetes-trimmed',
  setup(build) {
    build.onResolve({ filter: /^punycode$/ }, () => ({ path: join(root, 'node_modules/punycode/punycode.js') }));
    build.onResolve({ filter: /^(@kubernetes\/client-node$|\.)/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'known' || !(path.startsWith('@') || /client-node[\\/]dist/.test(from.importer))) return undefined;
      return { ...await build.resolve(path, { importer: from.importer, resolveDir: from.resolveDir, kind: from.kind, pluginData: 'known' }), sideEffects: false };
    });
  },
};
/** What comes with the libraries of the language room and is never reached: Prettier's printer of JavaScript, and translations of messages that we word ourselves. */
const unreached = {
  name: 'unreached',
  setup(build) {
    build.onResolve({ filter: /^(prettier\/plugins\/estree|ajv-i18n)$/ }, ({ path }) => ({ path, namespace: 'empty' }));
    build.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {};' }));
    build.onLoad({ filter: /zod\/v4\/locales\/[\w-]+\.js$/ }, ({ path }) => /(en|index)\.js$/.test(path) ? undefined : { contents: 'export default () => ({});' });
  },
};

const entries = [
  // Names stay: kernels and classes are looked up by them.
  { options: { ...node, stdin: tensorflowEntry, minifyWhitespace: true, minifySyntax: true, outfile: 'dist/tensorflow.js' } },
  { options: { ...node, stdin: kubernetesEntry, plugins: [kubernetesTrimmed], minifyWhitespace: true, minifySyntax: true, outfile: 'dist/kubernetes.js' } },
  { source: 'src/cli/main.ts', options: { ...node, plugins: [tensorflowApart, kubernetesApart], outfile: 'dist/cli.js', banner: { js: `#!/usr/bin/env node\n${moduleUrl}` } } },
  { source: 'src/data/loaderWorker.ts', options: { ...node, plugins: [tensorflowApart], outfile: 'dist/loader.js' } },
  { source: 'src/extension/extension.ts', options: inParts({ ...node, plugins: [languageApart, kubernetesApart, unreached] }, dist) },
  // Modules first: the UMD builds of some of its libraries ask for their parts in a way that no bundler sees.
  { source: 'src/language/index.ts', options: { ...node, plugins: [unreached], mainFields: ['module', 'main'], minify: true, outfile: 'dist/language.js' } },
  { source: 'webview/main.ts', options: { ...browser, outfile: 'dist/webview.js' } },
  { source: 'webview/compare/main.ts', options: { ...browser, outfile: 'dist/compare.js' } },
  ...(bench ? [{ source: 'benchmarks/run.ts', options: { ...node, plugins: [tensorflowApart], outfile: 'dist/bench.js' } }] : []),
];

/** Two copies of tfjs would each have half of the kernels and gradients: better no bundle than such a one. */
function checkOneTensorflow(metafile) {
  const copies = Object.keys(metafile.inputs).filter((input) => /@tensorflow\/tfjs-core\/dist\/(tf-core[\w.-]*|index)\.js$/.test(input));
  if (copies.length !== 1) throw new Error(`dist/tensorflow.js holds ${copies.length} copies of TensorFlow.js: ${copies.join(', ')}`);
}

/** The extension host must start fast and stay small: TensorFlow has no business there. */
function checkExtension(metafile) {
  const heavy = Object.keys(metafile.inputs).find((input) => input.includes('@tensorflow/'));
  if (heavy !== undefined) throw new Error(`dist/extension.js would load TensorFlow.js: ${heavy}`);
  const bytes = ['dist/extension.js', ...neededAtOnce(metafile, 'dist/extension.js')].reduce((sum, file) => sum + metafile.outputs[file].bytes, 0);
  if (bytes > 90_000) throw new Error(`dist/extension.js has grown to ${bytes} bytes, more than 90 kB: what is not needed at once belongs behind \`await import\``);
}

/** It is read from the disk while someone waits for a list. */
function checkLanguage(metafile) {
  const { bytes } = metafile.outputs['dist/language.js'];
  if (bytes > 1.6e6) throw new Error(`dist/language.js has grown to ${bytes} bytes, more than 1.6 MB: see what came in (metafile)`);
}

/** More than this has come in with a part of the client that is not used. */
function checkKubernetes(metafile) {
  const { bytes } = metafile.outputs['dist/kubernetes.js'];
  if (bytes > 2.3e6) throw new Error(`dist/kubernetes.js has grown to ${bytes} bytes, more than 2.3 MB: see what came in (metafile)`);
}

const checks = {
  name: 'checks',
  setup(build) {
    build.onEnd(({ metafile, errors }) => {
      if (metafile === undefined || errors.length > 0) return;
      const { outfile, splitting } = build.initialOptions;
      if (outfile === 'dist/tensorflow.js') checkOneTensorflow(metafile);
      if (splitting === true) checkExtension(metafile);
      if (outfile === 'dist/language.js') checkLanguage(metafile);
      if (outfile === 'dist/kubernetes.js') checkKubernetes(metafile);
    });
  },
};

async function copyBeside() {
  const modules = join(root, 'node_modules');
  const native = join(dist, 'native');
  await rm(native, { recursive: true, force: true });
  await mkdir(native, { recursive: true });
  await cp(join(modules, '@tensorflow/tfjs-node-gpu/binding'), join(native, 'binding'), { recursive: true });
  await cp(join(modules, 'node-api-headers/include'), join(native, 'node-api'), { recursive: true });
  await copyFile(join(modules, 'node-api-headers/LICENSE'), join(native, 'node-api', 'LICENSE'));
  await copyFile(join(root, 'src/engine/native/quiet.c'), join(native, 'quiet.c'));
  await cp(join(root, 'src/engine/native/kernels'), join(native, 'kernels'), { recursive: true });
  const wasm = join(dist, 'wasm');
  await mkdir(wasm, { recursive: true });
  for (const file of ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm']) {
    await copyFile(join(modules, '@tensorflow/tfjs-backend-wasm/dist', file), join(wasm, file));
  }
  // A style sheet that the page's code imports is bundled by itself; one that it does not is taken as it is.
  const style = join(root, 'webview/style.css');
  if (existsSync(style) && !existsSync(join(dist, 'webview.css'))) await copyFile(style, join(dist, 'webview.css'));
}

async function main() {
  const esbuild = createRequire(import.meta.url)('esbuild');
  const stamp = sourcesStamp(root);
  await mkdir(dist, { recursive: true });
  await rm(join(root, stampFile), { force: true });
  await rm(join(dist, 'webview.css'), { force: true });
  const present = entries.filter(({ source }) => source === undefined || existsSync(join(root, source)));
  const contexts = await Promise.all(present.map(({ source, options }) =>
      esbuild.context({ ...options, ...(source === undefined ? {} : { entryPoints: [source] }), plugins: [...(options.plugins ?? []), checks] }),
    ));
  if (watch) {
    await Promise.all(contexts.map((context) => context.watch()));
    await copyBeside();
    console.error('watching; Ctrl+C ends it');
    return;
  }
  // Each by itself: a mistake in the page must not keep the command line from being built.
  const results = await Promise.allSettled(contexts.map((context) => context.rebuild()));
  await Promise.all(contexts.map((context) => context.dispose()));
  await copyBeside();
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await writeFile(join(dist, 'THIRD_PARTY_NOTICES.txt'), noticesOf(root, results.map(({ value }) => value.metafile)));
  await writeFile(join(root, stampFile), stamp);
}

main().catch((error) => {
  // esbuild has printed its own errors by now.
  if (!Array.isArray(error?.errors)) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
