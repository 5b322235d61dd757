/** What left-out keys amount to, behind the lines that decide it; one setting turns it off. */
import * as vscode from 'vscode';
import { type Hint } from '../../language/inlay.ts';
import { isOn } from '../settings.ts';
import { openText, room, SELECTOR, toEdit } from './room.ts';

export function inlayHints(): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const provider: vscode.InlayHintsProvider<Shown> = {
    onDidChangeInlayHints: changed.event,
    provideInlayHints: async (document, range) => {
      if (!isOn('inlayHints', document.uri)) return [];
      const { inlayHints: hintsOf } = await room();
      return hintsOf(openText(document), vscode.l10n.t).map((hint) => new Shown(document, hint)).filter(({ position }) => range.contains(position));
    },
    resolveInlayHint: (hint) => {
      hint.resolve();
      return hint;
    },
  };
  return vscode.Disposable.from(
    changed,
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('distillLab.inlayHints')) changed.fire();
    }),
    vscode.languages.registerInlayHintsProvider(SELECTOR, provider),
  );
}

class Shown extends vscode.InlayHint {
  private readonly document: vscode.TextDocument;
  private readonly version: number;
  private readonly edit: Hint['edit'];

  constructor(document: vscode.TextDocument, { offset, label, tooltip, edit }: Hint) {
    super(document.positionAt(offset), withHover(document, document.positionAt(offset), label), vscode.InlayHintKind.Parameter);
    this.document = document;
    this.version = document.version;
    this.edit = edit;
    this.paddingLeft = true;
    this.tooltip = new vscode.MarkdownString(tooltip.join('\n\n').replaceAll('\n\n- ', '\n- '));
  }

  /** What a double click writes, as long as the text is the one that was hinted. */
  resolve(): void {
    const edit = this.document.version === this.version ? this.edit() : undefined;
    if (edit !== undefined) this.textEdits = [toEdit(this.document, edit)];
  }
}

/**
 * At a line's end the editor takes what is drawn behind a hint (the charts of the last run) for the hint. So the hint
 * tells, after its own words, what is told of the place that it stands at.
 */
function withHover(document: vscode.TextDocument, position: vscode.Position, label: string): string | vscode.InlayHintLabelPart[] {
  if (!position.isEqual(document.lineAt(position.line).range.end)) return label;
  const part = new vscode.InlayHintLabelPart(label);
  part.location = new vscode.Location(document.uri, position);
  return [part];
}
