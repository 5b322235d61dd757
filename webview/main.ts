/** Wires the page: messages in, bands drawn once a frame, the way of looking saved. */
import { type FileKind, type RunHeader, type ToPage } from './contract.ts';
import { CurvesBand } from './curves/band.ts';
import { element, perFrame, setText, show } from './dom.ts';
import { clip } from './format.ts';
import { HeaderBand } from './header.ts';
import { findHost } from './host.ts';
import { MasksBand } from './masks/band.ts';
import { RunModel } from './model.ts';
import { type ViewState, freshState, restoreState, savable } from './state.ts';
import { type Theme, readTheme, watchTheme } from './theme.ts';

const SAVE_AFTER = 150;

function begin(): void {
  const host = findHost();
  if (host.readOnly) document.body.classList.add('report');
  const model = new RunModel();
  const saved = host.load();
  let view: ViewState = freshState('');
  let theme: Theme = readTheme();
  let header: RunHeader | undefined;
  let saving: number | undefined;

  const spoken = element('p', { class: 'unseen', 'aria-live': 'polite' });
  const problem = element('p', { class: 'problem', role: 'status', hidden: true });
  const keep = (next: ViewState): void => {
    view = next;
    window.clearTimeout(saving);
    saving = window.setTimeout(() => { if (view.runId !== '') host.save(savable(view)); }, SAVE_AFTER);
  };
  const context = {
    model, view: () => view, theme: () => theme, header: () => header,
    setView: (change: Partial<ViewState>) => { keep({ ...view, ...change }); },
    replaceView: keep,
    save: (kind: FileKind, name: string, content: string | ArrayBuffer) => { host.send({ type: 'save', kind, name, content }); },
    announce: (text: string) => { setText(spoken, text); },
  };
  const head = new HeaderBand(host.readOnly, (action) => { host.send({ type: 'action', action }); });
  const curves = new CurvesBand(context);
  const masks = new MasksBand(context, (message) => { host.send(message); });
  const drawHead = perFrame(() => { if (header !== undefined) head.draw(model, header); });
  const drawAll = (): void => {
    drawHead();
    curves.redraw();
    masks.redraw();
  };

  const takeHeader = (next: RunHeader): void => {
    const another = header?.id !== next.id;
    header = next;
    if (another) {
      // Kept at once: after a reload the editor asks this state which run the panel showed.
      keep(restoreState(view.runId === '' ? saved : undefined, next.id));
      curves.buildTools();
      masks.buildLooks();
      masks.store.clear();
    }
    drawAll();
  };
  const take = (message: ToPage): void => {
    switch (message.type) {
      case 'header': takeHeader(message.header); break;
      case 'events':
        if (message.reset) masks.store.clear();
        model.add(message.events, message.reset);
        drawHead();
        if (message.reset) curves.redraw();
        else curves.refresh();
        masks.redraw();
        break;
      case 'pictures': masks.store.takeStep(message.folder, message.index, message.values); break;
      case 'image': void masks.store.takeImage(message.file, message.mime, message.bytes); break;
      case 'problem':
        setText(problem, clip(message.message, 400));
        show(problem, true);
        break;
      default: break;
    }
  };

  const page = element('main', { class: 'page' }, head.node, problem, curves.node, masks.node, spoken);
  (document.getElementById('panel') ?? document.body).append(page);
  watchTheme(() => {
    theme = readTheme();
    drawAll();
  });
  host.listen((message) => {
    try {
      take(message);
    } catch (error) {
      // What a run folder or a sender got wrong costs this message only.
      console.warn('A message could not be used.', error);
    }
  });
  host.send({ type: 'ready' });
  drawAll();
}

begin();
