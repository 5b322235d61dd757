import js from '@eslint/js';
import ts from 'typescript-eslint';

/** Rooms may import downwards only; see docs/architecture.md. */
const rooms = {
  experiment: [],
  engine: [],
  teacherCache: [],
  data: ['experiment', 'engine', 'teacherCache'],
  detectors: ['experiment', 'engine'],
  distillers: ['experiment', 'engine', 'detectors'],
  evaluation: ['engine'],
  run: ['experiment', 'engine', 'data', 'detectors', 'distillers', 'evaluation', 'teacherCache'],
  store: ['experiment'],
  firstSteps: ['experiment'],
  language: ['experiment', 'store'],
  charts: [],
  launch: ['experiment', 'store'],
  comparison: ['experiment', 'store', 'charts'],
  report: ['experiment', 'store', 'charts'],
  sweep: ['experiment', 'store', 'launch', 'comparison'],
  cli: ['experiment', 'engine', 'data', 'detectors', 'distillers', 'evaluation', 'run', 'store', 'launch', 'comparison', 'report', 'charts', 'sweep', 'teacherCache'],
  extension: ['experiment', 'firstSteps', 'store', 'language', 'launch', 'charts', 'comparison', 'sweep'],
};

function boundaries(room, allowed) {
  const others = Object.keys(rooms).filter((other) => other !== room && !allowed.includes(other));
  const patterns = [{ group: others.flatMap((other) => [`../${other}/*`, `../../${other}/*`, `../${other}/**`]), message: `src/${room} may not import these rooms.` }];
  if (room !== 'extension') patterns.push({ group: ['vscode'], message: 'Only src/extension speaks to VS Code.' });
  else patterns.push({ group: ['@tensorflow/*'], message: 'The extension host never loads TensorFlow.' });
  return { files: [`src/${room}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'runs/', '**/*.cjs', 'test-results/', 'coverage/'] },
  js.configs.recommended,
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly', clearTimeout: 'readonly', setInterval: 'readonly', clearInterval: 'readonly', AbortController: 'readonly', fetch: 'readonly', Buffer: 'readonly', performance: 'readonly' } } },
  {
    files: ['**/*.ts'],
    extends: [...ts.configs.strictTypeChecked, ...ts.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      // With noUncheckedIndexedAccess, `values[i] as number` in a numeric loop states a fact; `!` stays forbidden.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // tfjs declares `assign(Tensor)` but types Variable structurally.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
    },
  },
  ...Object.entries(rooms).map(([room, allowed]) => boundaries(room, allowed)),
);
