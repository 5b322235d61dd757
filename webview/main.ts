/** Wires the page: messages in, bands drawn once a frame, the way of looking saved. */
import { type FileKind, type RunHeader, type ToPage } from './contract.ts';
import { CurvesBand } from './curves/band.ts';
import { perFrame } from './dom.ts';
import { HeaderBand } from './header.ts';
import { findHost } from './host.ts';
import { MasksBand } from './masks/band.ts';
import { RunModel } from './model.ts';
import { Page } from './page.ts';
import { type ViewState, freshState, restoreState, savable } from './state.ts';

function begin(): void {
  const host = findHost();
  if (host.readOnly) document.body.classList.add('report');
  const model = new RunModel();
  const saved = host.load();
  let view: ViewState = freshState('');
  let header: RunHeader | undefined;

  const page = new Page();
  const keep = (next: ViewState): void => {
    view = next;
    page.saveSoon(() => { if (view.runId !== '') host.save(savable(view)); });
  };
  const context = {
    model, view: () => view, theme: page.theme, header: () => header,
    setView: (change: Partial<ViewState>) => { keep({ ...view, ...change }); },
    replaceView: keep,
    save: (kind: FileKind, name: string, content: string | ArrayBuffer) => { host.send({ type: 'save', kind, name, content }); },
    announce: page.announce,
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
      case 'problem': page.complain(message.message); break;
      default: break;
    }
  };

  page.begin({ head: head.node, bands: [curves.node, masks.node], host, take, drawAll });
}

begin();
