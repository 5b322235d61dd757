/**
 * The texts that people see, in `l10n/bundle.l10n.json`: `node scripts/l10n.mjs` writes it anew from the sources,
 * `--check` says what is missing, left over, or shown without being translatable, and fails.
 *
 * A text is the first argument of a call of `t` (`vscode.l10n.t`, the page's own `t`, or one that is handed in).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const file = join(root, 'l10n/bundle.l10n.json');
/** Where people see what is said: there every text must be a literal in a call of `t`. */
const SHOWN = /^(src\/extension|webview)\//;
/** Whose value is seen or read aloud. */
const SPOKEN = new Set(['aria-label', 'aria-description', 'aria-roledescription', 'title', 'label', 'placeHolder', 'prompt', 'detail', 'tooltip', 'caption']);
/** What is written for developers, or thrown to be explained elsewhere. */
const UNSEEN = /^(console\.\w+|.*\blog\.(trace|debug|info|warn|error)|log|Error|DistillError|TypeError|RangeError)$/;

const sources = ['src', 'webview'].flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts')).map((name) => join(root, folder, name)));

const texts = new Set();
const faults = [];

const isTranslator = (callee) => ts.isIdentifier(callee) ? callee.text === 't' : ts.isPropertyAccessExpression(callee) && callee.name.text === 't' && /l10n$/.test(callee.expression.getText());
const isWords = (text) => /\p{L}{2,}[,:;.]? \p{L}{2,}/u.test(text);
/** Markup, policies, selectors, media queries and font lists. */
const isCode = (text) => /^\s*[<(]|\[name=|-src |sans-serif/.test(text);
/** The same in every language. */
const PROPER = new Set(['Distill Lab', 'AP', 'viridis', 'magma']);
const isText = (node) => ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node);

/** The literals of a template, `x${y}z` → `x z`. */
const chunks = (node) => isText(node) ? [node.text] : [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];

function isSeen(node) {
  const key = ts.isPropertyAssignment(node.parent) ? node.parent.name : undefined;
  const said = chunks(node);
  if (key === node || key?.text === 'class' || isCode(said.join(' '))) return false;
  return said.some((chunk) => isWords(chunk) && !PROPER.has(chunk)) || (SPOKEN.has(key?.text) && said.some((chunk) => /\p{L}{2,}/u.test(chunk) && !PROPER.has(chunk)));
}

function look(node, source, shown) {
  const fault = (why) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    faults.push(`${relative(root, source.fileName)}:${line + 1}: ${why}`);
  };
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
    const callee = node.expression;
    if (ts.isCallExpression(node) && isTranslator(callee)) {
      const [message, ...values] = node.arguments;
      if (message !== undefined && isText(message)) texts.add(message.text);
      else if (shown) fault(`the text is put together before it is translated: ${message?.getText()}`);
      for (const value of values) look(value, source, shown);
      return;
    }
    if (UNSEEN.test(callee.getText(source))) return;
  }
  if (shown && (isText(node) || ts.isTemplateExpression(node)) && isSeen(node)) fault(`shown as it is, in English: ${node.getText(source)}`);
  ts.forEachChild(node, (child) => { look(child, source, shown); });
}

for (const name of sources) {
  const source = ts.createSourceFile(name, readFileSync(name, 'utf8'), ts.ScriptTarget.Latest, true);
  look(source, source, SHOWN.test(relative(root, name)));
}

const wanted = `${JSON.stringify(Object.fromEntries([...texts].sort().map((text) => [text, text])), undefined, 2)}\n`;
if (process.argv.includes('--check')) {
  const known = new Set(Object.keys(JSON.parse(readFileSync(file, 'utf8'))));
  for (const text of texts) if (!known.has(text)) faults.push(`missing in l10n/bundle.l10n.json: ${text}`);
  for (const text of known) if (!texts.has(text)) faults.push(`left over in l10n/bundle.l10n.json: ${text}`);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) console.error('`node scripts/l10n.mjs` writes the bundle anew; texts that people see belong into a call of `t`.');
  process.exitCode = faults.length === 0 ? 0 : 1;
} else {
  writeFileSync(file, wanted);
}
