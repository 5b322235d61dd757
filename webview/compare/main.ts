/** Wires the page: messages in, bands drawn, the way of looking saved. */
import './style.css';
import { compareRuns, type Comparison } from '../../src/comparison/compare.ts';
import { type ComparedRun } from '../../src/comparison/run.ts';
import { perFrame, show } from '../dom.ts';
import { clip } from '../format.ts';
import { without } from '../looks.ts';
import { RunModel } from '../model.ts';
import { Page } from '../page.ts';
import { t } from '../words.ts';
import { type Context } from './context.ts';
import { type CompareState, type ToPage } from './contract.ts';
import { CurvesBand } from './curves.ts';
import { HeaderBand } from './header.ts';
import { findHost } from './host.ts';
import { MasksBand } from './masks.ts';
import { ParallelBand } from './parallel.ts';
import { ClassesBand, ResultsBand } from './results.ts';
import { restoreState } from './state.ts';

function begin(): void {
  const host = findHost();
  const models = new Map<string, RunModel>();
  let runs: readonly ComparedRun[] = [];
  let view: CompareState = restoreState(host.load());
  let comparison: Comparison | undefined;

  const page = new Page();
  const keep = (next: CompareState): void => {
    const joinedAnew = next.join !== view.join || next.baseline !== view.baseline;
    view = next;
    if (joinedAnew) comparison = undefined;
    page.saveSoon(() => { host.save(view); });
    drawAll();
  };
  const context: Context = {
    models, order: () => runs.map(({ id }) => id),
    comparison: () => (comparison ??= compareRuns(runs, view)),
    view: () => view, setView: (change) => { keep({ ...view, ...change }); }, replaceView: keep,
    theme: page.theme, themeKey: page.themeKey,
    send: (message) => { host.send(message); }, announce: page.announce,
  };
  const curves = new CurvesBand(context);
  const parallel = new ParallelBand(context);
  const [results, classes, masks] = [new ResultsBand(context), new ClassesBand(context), new MasksBand(context)];
  const head = new HeaderBand(context, () => ({ curves: [...(parallel.svg() === undefined ? [] : [parallel.svg() ?? '']), ...curves.svgs()], classes: classes.svg() }));
  const drawTables = perFrame(() => {
    head.draw(runs);
    results.draw();
    parallel.draw();
    classes.draw();
    for (const band of [results, curves, classes]) if (band !== classes) show(band.node, runs.length > 0);
  });
  function drawAll(): void {
    drawTables();
    curves.redraw();
    masks.redraw();
  }

  const modelOf = (id: string): RunModel => {
    let model = models.get(id);
    if (model === undefined) models.set(id, (model = new RunModel()));
    return model;
  };
  const takeSet = (next: readonly ComparedRun[], sweep: string | undefined): void => {
    runs = next;
    comparison = undefined;
    const ids = runs.map(({ id }) => id);
    for (const id of models.keys()) if (!ids.includes(id)) models.delete(id);
    // What was said of runs that are gone says nothing any more.
    const gone = (['baseline', 'left', 'right'] as const).filter((key) => view[key] !== undefined && !ids.includes(view[key]));
    keep({ ...without(view, ...gone, 'sweep'), ...(sweep !== undefined && { sweep }), runs: sweep === undefined ? ids : [], hidden: view.hidden.filter((id) => ids.includes(id)) });
  };
  const take = (message: ToPage): void => {
    switch (message.type) {
      case 'set': takeSet(message.runs, message.sweep); break;
      case 'run':
        runs = runs.map((run) => (run.id === message.run.id ? message.run : run));
        comparison = undefined;
        drawTables();
        break;
      case 'of': if (runs.some(({ id }) => id === message.id)) takeOf(message.id, message.message); break;
      case 'saved': page.announce(t('Saved: {0}', clip(message.name, 100))); break;
    }
  };
  const takeOf = (id: string, message: Extract<ToPage, { type: 'of' }>['message']): void => {
    switch (message.type) {
      case 'events':
        modelOf(id).add(message.events, message.reset);
        if (message.reset) masks.storeOf(id).clear();
        curves.redraw();
        if (message.events.some(({ type }) => type === 'pictures')) masks.redraw();
        break;
      case 'pictures': masks.storeOf(id).takeStep(message.folder, message.index, message.values); break;
      case 'image': void masks.storeOf(id).takeImage(message.file, message.mime, message.bytes); break;
      case 'problem': page.complain(message.message); break;
      case 'header': break;
    }
  };

  page.begin({ kind: 'compare', head: head.node, bands: [results.node, parallel.node, curves.node, classes.node, masks.node], host, take, drawAll });
}

begin();
