/** The colour tokens that the editor's built-in themes give to a webview, as far as the panel reads them. */
export type ThemeName = 'light' | 'dark' | 'hc-dark' | 'hc-light';

type Tokens = Readonly<Record<string, string>>;

const FONTS: Tokens = { 'font-family': '"DejaVu Sans", sans-serif', 'font-size': '13px', 'editor-font-family': '"DejaVu Sans Mono", monospace' };

const DARK_CHARTS: Tokens = { 'charts-red': '#f14c4c', 'charts-blue': '#59a4f9', 'charts-yellow': '#cca700', 'charts-orange': '#d18616', 'charts-green': '#89d185', 'charts-purple': '#b180d7' };
const LIGHT_CHARTS: Tokens = { 'charts-red': '#e51400', 'charts-blue': '#1a85ff', 'charts-yellow': '#bf8803', 'charts-orange': '#d18616', 'charts-green': '#388a34', 'charts-purple': '#652d90' };

export const THEMES: Readonly<Record<ThemeName, Tokens>> = {
  dark: {
    ...FONTS, ...DARK_CHARTS, 'editor-background': '#1f1f1f', 'editor-foreground': '#cccccc', foreground: '#cccccc', descriptionForeground: '#9d9d9d', errorForeground: '#f85149', focusBorder: '#0078d4',
    'panel-border': '#2b2b2b', 'button-background': '#0078d4', 'button-foreground': '#ffffff', 'button-hoverBackground': '#026ec1', 'button-border': '#ffffff12',
    'button-secondaryBackground': '#313131', 'button-secondaryForeground': '#cccccc', 'button-secondaryHoverBackground': '#3c3c3c', 'dropdown-background': '#313131', 'dropdown-foreground': '#cccccc', 'dropdown-border': '#3c3c3c',
    'toolbar-hoverBackground': '#5a5d5e50', 'list-activeSelectionBackground': '#04395e', 'list-activeSelectionForeground': '#ffffff', 'textLink-foreground': '#4daafc', 'progressBar-background': '#0078d4',
    'editorWidget-background': '#202020', 'icon-foreground': '#cccccc', 'editorWarning-foreground': '#cca700',
  },
  light: {
    ...FONTS, ...LIGHT_CHARTS, 'editor-background': '#ffffff', 'editor-foreground': '#3b3b3b', foreground: '#3b3b3b', descriptionForeground: '#3b3b3b', errorForeground: '#c72e0f', focusBorder: '#005fb8',
    'panel-border': '#e5e5e5', 'button-background': '#005fb8', 'button-foreground': '#ffffff', 'button-hoverBackground': '#0258a8', 'button-border': '#0000001a',
    'button-secondaryBackground': '#e5e5e5', 'button-secondaryForeground': '#3b3b3b', 'button-secondaryHoverBackground': '#cccccc', 'dropdown-background': '#ffffff', 'dropdown-foreground': '#3b3b3b', 'dropdown-border': '#cecece',
    'toolbar-hoverBackground': '#b8b8b850', 'list-activeSelectionBackground': '#e8e8e8', 'list-activeSelectionForeground': '#000000', 'textLink-foreground': '#005fb8', 'progressBar-background': '#005fb8',
    'editorWidget-background': '#f8f8f8', 'icon-foreground': '#3b3b3b', 'editorWarning-foreground': '#bf8803',
  },
  'hc-dark': {
    ...FONTS, 'charts-red': '#f48771', 'charts-blue': '#3794ff', 'charts-yellow': '#ffd370', 'charts-orange': '#ffa35c', 'charts-green': '#89d185', 'charts-purple': '#b180d7',
    'editor-background': '#000000', 'editor-foreground': '#ffffff', foreground: '#ffffff', descriptionForeground: 'rgba(255, 255, 255, 0.7)', errorForeground: '#f48771', focusBorder: '#f38518', contrastBorder: '#6fc3df',
    'panel-border': '#6fc3df', 'button-foreground': '#ffffff', 'button-border': '#6fc3df', 'button-secondaryForeground': '#ffffff', 'dropdown-background': '#000000', 'dropdown-foreground': '#ffffff', 'dropdown-border': '#6fc3df',
    'list-activeSelectionForeground': '#ffffff', 'textLink-foreground': '#21a6ff', 'progressBar-background': '#6fc3df', 'icon-foreground': '#ffffff', 'editorWidget-background': '#0c141f', 'editorWarning-foreground': '#ffd370',
  },
  'hc-light': {
    ...FONTS, 'charts-red': '#b5200d', 'charts-blue': '#1a85ff', 'charts-yellow': '#895503', 'charts-orange': '#a85a00', 'charts-green': '#374e06', 'charts-purple': '#652d90',
    'editor-background': '#ffffff', 'editor-foreground': '#292929', foreground: '#292929', descriptionForeground: 'rgba(41, 41, 41, 0.7)', errorForeground: '#b5200d', focusBorder: '#006bbd', contrastBorder: '#0f4a85',
    'panel-border': '#0f4a85', 'button-background': '#0f4a85', 'button-foreground': '#ffffff', 'button-border': '#0f4a85', 'button-secondaryBackground': '#ffffff', 'button-secondaryForeground': '#292929', 'dropdown-background': '#ffffff',
    'dropdown-foreground': '#292929', 'dropdown-border': '#0f4a85', 'list-activeSelectionForeground': '#292929', 'textLink-foreground': '#0f4a85', 'progressBar-background': '#0f4a85', 'icon-foreground': '#292929', 'editorWidget-background': '#ffffff', 'editorWarning-foreground': '#895503',
  },
};

/** A style sheet that sets them, as the editor does on the root element. */
export function themeSheet(name: ThemeName): string {
  return `:root { ${Object.entries(THEMES[name]).map(([token, value]) => `--vscode-${token}: ${value};`).join(' ')} }`;
}

/** The class that the editor gives the body. */
export const themeClass = (name: ThemeName): string => ({ light: 'vscode-light', dark: 'vscode-dark', 'hc-dark': 'vscode-high-contrast', 'hc-light': 'vscode-high-contrast vscode-high-contrast-light' })[name];
