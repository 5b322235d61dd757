/** What is compared, what to know before believing it, and what can be kept of it. */
import { hasSeeds } from '../../src/comparison/seeds.ts';
import { htmlReport, type ReportCharts } from '../../src/comparison/html.ts';
import { markdownReport, titleOf } from '../../src/comparison/markdown.ts';
import { type ComparedRun } from '../../src/comparison/run.ts';
import { button, checkbox, element, setText, show } from '../dom.ts';
import { t } from '../words.ts';
import { type Context } from './context.ts';

export class HeaderBand {
  readonly node: HTMLElement;
  readonly #context: Context;
  readonly #title = element('h1', {});
  readonly #notes = element('ul', { class: 'notes' });
  readonly #join = element('span', {});
  readonly #keep: HTMLElement;
  readonly #empty = element('p', { class: 'empty' }, t('No run is chosen.'));
  #signature = '';

  constructor(context: Context, charts: () => ReportCharts) {
    this.#context = context;
    const choose = button(t('Choose Runs'), () => { context.send({ type: 'choose' }); });
    const html = button(t('HTML Report'), () => { context.send({ type: 'save', kind: 'html', name: 'comparison', content: htmlReport(context.comparison(), charts(), new Date()) }); }, { title: t('Tables and curves as one self-contained page') });
    const markdown = button(t('Markdown'), () => { context.send({ type: 'save', kind: 'md', name: 'comparison', content: markdownReport(context.comparison(), new Date()) }); }, { title: t('Tables and notes as Markdown') });
    this.#keep = element('span', { class: 'actions', role: 'group', 'aria-label': t('Report') }, html, markdown);
    this.node = element('header', { class: 'band head' },
      element('div', { class: 'head-line' }, this.#title, this.#join, element('span', { class: 'end actions' }, choose, this.#keep)), this.#empty, this.#notes);
  }

  draw(runs: readonly ComparedRun[]): void {
    const comparison = this.#context.comparison();
    setText(this.#title, runs.length === 0 ? t('Comparison') : titleOf(comparison));
    show(this.#empty, runs.length === 0);
    show(this.#keep, runs.length > 0);
    const { join } = this.#context.view();
    const signature = JSON.stringify([comparison.notes, hasSeeds(runs), join]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#notes.replaceChildren(...comparison.notes.map(({ text, grave }) => element('li', { class: grave ? 'grave' : undefined }, text)));
    show(this.#notes, comparison.notes.length > 0);
    const focused = this.#join.contains(document.activeElement);
    this.#join.replaceChildren(...(hasSeeds(runs) ? [checkbox(t('Join seeds'), join, (checked) => { this.#context.setView({ join: checked }); })] : []));
    if (focused) this.#join.querySelector('input')?.focus();
  }
}
