/** A report has no editor around it: the tokens that the page asks for, light and dark, and the report's own few rules. */
type Tokens = Readonly<Record<string, string>>;

const LIGHT: Tokens = {
  'editor-background': '#ffffff', 'editor-foreground': '#2f2f2f', foreground: '#2f2f2f', descriptionForeground: '#5c5c5c', errorForeground: '#b3261e', focusBorder: '#0060b9', 'panel-border': '#dedede',
  'button-background': '#0060b9', 'button-foreground': '#ffffff', 'button-hoverBackground': '#00529e', 'button-secondaryBackground': '#ececec', 'button-secondaryForeground': '#2f2f2f', 'button-secondaryHoverBackground': '#dddddd',
  'dropdown-background': '#ffffff', 'dropdown-foreground': '#2f2f2f', 'dropdown-border': '#c8c8c8', 'toolbar-hoverBackground': '#0000000f', 'list-activeSelectionBackground': '#e4edf7', 'list-activeSelectionForeground': '#101010',
  'textLink-foreground': '#0060b9', 'progressBar-background': '#0060b9', 'editorWidget-background': '#f5f5f5', 'icon-foreground': '#2f2f2f', 'textCodeBlock-background': '#f5f5f5',
  'charts-red': '#d3382a', 'charts-blue': '#1a7ddb', 'charts-yellow': '#b98300', 'charts-orange': '#cf7a10', 'charts-green': '#2f8a3c', 'charts-purple': '#6f3aa0',
};
const DARK: Tokens = {
  'editor-background': '#1d1d1f', 'editor-foreground': '#d2d2d2', foreground: '#d2d2d2', descriptionForeground: '#a0a0a0', errorForeground: '#f2695c', focusBorder: '#3a96dd', 'panel-border': '#38383b',
  'button-background': '#1a6fb5', 'button-foreground': '#ffffff', 'button-hoverBackground': '#1f7fcd', 'button-secondaryBackground': '#323235', 'button-secondaryForeground': '#d2d2d2', 'button-secondaryHoverBackground': '#3d3d41',
  'dropdown-background': '#2a2a2d', 'dropdown-foreground': '#d2d2d2', 'dropdown-border': '#454549', 'toolbar-hoverBackground': '#ffffff14', 'list-activeSelectionBackground': '#173f60', 'list-activeSelectionForeground': '#ffffff',
  'textLink-foreground': '#58aef0', 'progressBar-background': '#3a96dd', 'editorWidget-background': '#252528', 'icon-foreground': '#d2d2d2', 'textCodeBlock-background': '#252528',
  'charts-red': '#ee5a4f', 'charts-blue': '#58a6f4', 'charts-yellow': '#d0aa1c', 'charts-orange': '#da8c28', 'charts-green': '#83cb80', 'charts-purple': '#b285d6',
};

const rules = (tokens: Tokens): string => `:root { ${Object.entries(tokens).map(([name, value]) => `--vscode-${name}: ${value};`).join(' ')} }`;

export const REPORT_STYLE = `
${rules(LIGHT)}
:root { color-scheme: light dark; --vscode-font-size: 14px; --vscode-font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; --vscode-editor-font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (prefers-color-scheme: dark) { ${rules(DARK)} }
.sheet { max-width: 1440px; margin: 0 auto; padding: 26px 28px 40px; }
.report .head { display: none; }
.report .page { max-width: none; }
.title h1 { font-size: 1.6em; margin: 0; }
.title p { margin: 4px 0 0; color: var(--vscode-descriptionForeground); }
.title .verdict { color: var(--vscode-editor-foreground); margin-top: 12px; max-width: 90ch; }
.title .bad { border-left: 2px solid var(--vscode-errorForeground); padding-left: 12px; }
.table { overflow-x: auto; margin: 18px 0 8px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 6px; }
th, td { padding: 4px 18px 4px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--vscode-panel-border); }
th:first-child { text-align: left; font-weight: 400; }
thead th { font-weight: 400; color: var(--vscode-descriptionForeground); }
tr.main th, tr.main td { font-weight: 600; }
.sheet h2 { font-size: 1.05em; }
.sheet details { border-top: 1px solid var(--vscode-panel-border); padding: 12px 0; }
.sheet summary { cursor: pointer; font-weight: 600; }
.sheet .code { background: var(--vscode-textCodeBlock-background); padding: 10px 14px; overflow-x: auto; font-family: var(--vscode-editor-font-family); font-size: 0.9em; margin-top: 10px; }
.sheet li { margin: 2px 0; }
.remarks { color: var(--vscode-descriptionForeground); margin: 0 0 18px; max-width: 90ch; }
@media print { .tools, .strip, .time, .hint { display: none; } .chart, .pane { break-inside: avoid; } }
`;
