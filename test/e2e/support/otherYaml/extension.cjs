/**
 * A YAML extension beside ours, as people have it: the real yaml-language-server in a process of its own, asked for documents of
 * the language `yaml`. Its settings are the worst that a user could have: our own schema for every YAML file there is.
 */
const { spawn } = require('node:child_process');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vscode = require('vscode');
const rpc = require('vscode-jsonrpc/node');

const SELECTOR = { language: 'yaml' };
const SETTINGS = {
  validate: true, completion: true, hover: true, schemaStore: { enable: false },
  schemas: { [pathToFileURL(path.join(__dirname, 'experiment.schema.json')).href]: ['*.yaml', '**/*.yaml'] },
};
const LEVELS = [vscode.DiagnosticSeverity.Error, vscode.DiagnosticSeverity.Warning, vscode.DiagnosticSeverity.Information, vscode.DiagnosticSeverity.Hint];

const toRange = ({ start, end }) => new vscode.Range(start.line, start.character, end.line, end.character);
const toText = (contents) => (typeof contents === 'string' ? contents : contents.value);

function toDiagnostic({ range, message, severity = 1 }) {
  const diagnostic = new vscode.Diagnostic(toRange(range), message, LEVELS[severity - 1]);
  diagnostic.source = 'other-yaml';
  return diagnostic;
}

function toItem({ label, insertText = label, textEdit }) {
  const item = new vscode.CompletionItem(label, vscode.CompletionItemKind.Property);
  item.insertText = new vscode.SnippetString(textEdit?.newText ?? insertText);
  if (textEdit?.range !== undefined) item.range = toRange(textEdit.range);
  return item;
}

exports.activate = async ({ subscriptions }) => {
  const server = spawn(process.execPath, [path.join(__dirname, 'node_modules/yaml-language-server/bin/yaml-language-server'), '--stdio'], { env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' }, stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = rpc.createMessageConnection(new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin));
  const problems = vscode.languages.createDiagnosticCollection('other-yaml');
  subscriptions.push(problems, connection, { dispose: () => server.kill() });
  connection.onNotification('textDocument/publishDiagnostics', ({ uri, diagnostics }) => { problems.set(vscode.Uri.parse(uri), diagnostics.map(toDiagnostic)); });
  connection.onRequest('workspace/configuration', ({ items }) => items.map(({ section }) => (section === 'yaml' ? SETTINGS : {})));
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: { workspace: { configuration: true }, textDocument: { completion: { completionItem: { snippetSupport: true } }, hover: { contentFormat: ['markdown'] } } } });
  await connection.sendNotification('initialized', {});
  await connection.sendNotification('workspace/didChangeConfiguration', { settings: { yaml: SETTINGS } });

  const open = (document) => {
    if (vscode.languages.match(SELECTOR, document) === 0) return;
    void connection.sendNotification('textDocument/didOpen', { textDocument: { uri: document.uri.toString(), languageId: document.languageId, version: document.version, text: document.getText() } });
  };
  const at = (document, { line, character }) => ({ textDocument: { uri: document.uri.toString() }, position: { line, character } });
  vscode.workspace.textDocuments.forEach(open);
  subscriptions.push(
    vscode.workspace.onDidOpenTextDocument(open),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (vscode.languages.match(SELECTOR, document) === 0) return;
      void connection.sendNotification('textDocument/didChange', { textDocument: { uri: document.uri.toString(), version: document.version }, contentChanges: [{ text: document.getText() }] });
    }),
    vscode.languages.registerCompletionItemProvider(SELECTOR, {
      provideCompletionItems: async (document, position) => ((await connection.sendRequest('textDocument/completion', at(document, position)))?.items ?? []).map(toItem),
    }),
    vscode.languages.registerHoverProvider(SELECTOR, {
      provideHover: async (document, position) => {
        const hover = await connection.sendRequest('textDocument/hover', at(document, position));
        return hover === null ? undefined : new vscode.Hover(new vscode.MarkdownString(toText(hover.contents)));
      },
    }),
  );
};
