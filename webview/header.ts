/** The header: what run this is, whether it lives, how far it is, what can be done; and why, when it ended badly. */
import { type Action, type RunHeader } from './contract.ts';
import { button, element, setText, show } from './dom.ts';
import { clip, formatCount, formatDuration } from './format.ts';
import { type RunModel } from './model.ts';
import { ARM_NAMES, type Status, isLive, stateWord, statusOf } from './status.ts';
import { t } from './words.ts';

const MOST_LOG_LINES = 40;

export class HeaderBand {
  readonly node: HTMLElement;
  readonly #act: (action: Action) => void;
  readonly #readOnly: boolean;
  readonly #state = element('span', { class: 'state-word' });
  readonly #chip = element('span', { class: 'state', role: 'status' }, element('span', { class: 'dot', 'aria-hidden': 'true' }), this.#state);
  readonly #name = element('h1', {});
  readonly #summary = element('p', { class: 'summary' });
  readonly #facts = element('p', { class: 'facts number' });
  readonly #progress = element('div', { class: 'progress', role: 'progressbar', 'aria-label': t('Progress'), 'aria-valuemin': 0, 'aria-valuemax': 100 });
  readonly #filled = element('div', { class: 'filled' });
  readonly #buttons: Readonly<Record<Action, HTMLButtonElement>>;
  readonly #trouble = element('div', { class: 'trouble', role: 'alert' });
  readonly #reason = element('p', { class: 'reason' });
  readonly #notice = element('p', { class: 'notice' });
  readonly #log = element('pre', { class: 'log', tabindex: 0, 'aria-label': t('Last lines of the log') });
  readonly #openLog: HTMLButtonElement;
  /** The host needs a moment to answer; meanwhile a second press must already mean "now". */
  #stopAsked = false;

  constructor(readOnly: boolean, act: (action: Action) => void) {
    this.#readOnly = readOnly;
    this.#act = act;
    const make = (action: Action, label: string, title: string): HTMLButtonElement => button(label, () => { this.#press(action); }, { title, ...(action === 'resume' && { class: 'primary' }) });
    this.#buttons = {
      stop: make('stop', t('Stop'), t('Save and stop soon')), kill: make('kill', t('Kill'), t('End at once; what was not saved is lost')),
      resume: make('resume', t('Resume'), t('Go on from the last checkpoint')), further: make('further', t('Train further…'), t('Make the run longer and go on')), report: make('report', t('Report'), t('Write and open the report')), log: make('log', t('Log'), t('Open the log')),
      line: make('line', t('Go to the line'), t('Open the experiment at the line that failed the run')),
    };
    this.#openLog = button(t('Open log'), () => { this.#press('log'); });
    const { stop, kill, resume, further, report, log, line } = this.#buttons;
    const actions = element('div', { class: 'actions', role: 'group', 'aria-label': t('Run') }, stop, kill, resume, further, report, log);
    this.#trouble.append(this.#reason, element('div', { class: 'actions' }, this.#openLog, line), this.#log);
    this.#progress.append(this.#filled);
    this.node = element('header', { class: 'band head' },
      element('div', { class: 'head-line' }, this.#chip, this.#name, this.#facts, readOnly ? undefined : actions),
      this.#progress, this.#summary, this.#notice, this.#trouble);
  }

  #press(action: Action): void {
    if (action === 'stop') {
      this.#stopAsked = true;
      show(this.#buttons.stop, false);
      show(this.#buttons.kill, true);
      this.#buttons.kill.focus();
    }
    if (action === 'resume') this.#stopAsked = false;
    this.#act(action);
  }

  draw(model: RunModel, header: RunHeader): void {
    const status = statusOf(model, header);
    if (!isLive(header.state)) this.#stopAsked = false;
    const state = this.#stopAsked && header.state === 'running' ? 'stopping' : header.state;
    this.node.dataset.state = state;
    setText(this.#state, stateWord(state));
    setText(this.#name, clip(header.name, 80));
    this.#name.title = clip(header.name, 300);
    setText(this.#summary, clip(model.started?.summary ?? header.soFar?.summary ?? '', 240));
    setText(this.#facts, facts(model, status, state).join(' · '));
    this.#drawProgress(status);
    setText(this.#notice, [model.started?.engine.notice ?? '', header.damage ?? ''].filter((text) => text !== '').map((text) => clip(text, 300)).join(' '));
    show(this.#notice, this.#notice.textContent !== '');
    this.#drawButtons(state);
    this.#drawTrouble(model, header);
  }

  #drawProgress(status: Status): void {
    const per100 = 100 * status.progress;
    this.#filled.style.transform = `scaleX(${status.progress.toFixed(4)})`;
    this.#progress.setAttribute('aria-valuenow', per100.toFixed(0));
    this.#progress.setAttribute('aria-valuetext', t('step {0} of {1}', formatCount(status.step), formatCount(status.total)));
  }

  #drawButtons(state: RunHeader['state']): void {
    const live = isLive(state);
    show(this.#buttons.stop, live && state !== 'stopping');
    show(this.#buttons.kill, state === 'stopping' || (live && this.#stopAsked));
    show(this.#buttons.resume, state === 'stopped' || state === 'failed' || state === 'killed' || state === 'lost');
    show(this.#buttons.further, state === 'finished');
  }

  #drawTrouble(model: RunModel, header: RunHeader): void {
    const bad = header.state === 'failed' || header.state === 'killed' || header.state === 'lost';
    const reason = header.reason ?? model.ended?.error?.message ?? '';
    show(this.#trouble, bad);
    if (!bad) return;
    setText(this.#reason, clip(reason === '' ? endWithoutReason(header.state) : reason, 600));
    show(this.#openLog, !this.#readOnly);
    show(this.#buttons.line, header.hasLine && !this.#readOnly);
    const tail = (header.logTail ?? []).slice(-MOST_LOG_LINES).map((line) => line.slice(0, 500)).join('\n');
    setText(this.#log, tail);
    show(this.#log, tail !== '');
  }
}

function facts(model: RunModel, status: Status, state: RunHeader['state']): string[] {
  const words: string[] = [];
  const arms = model.started?.arms.length ?? 1;
  if (status.activity !== undefined && state !== 'stopping') words.push(status.activity);
  const [step, total] = [formatCount(status.step), formatCount(status.total)];
  if (status.total > 0) words.push(arms > 1 ? t('{0}, step {1} / {2}', ARM_NAMES[status.arm], step, total) : t('step {0} / {1}', step, total));
  if (status.imagesPerSecond !== undefined) words.push(t('{0} images/s', status.imagesPerSecond < 10 ? status.imagesPerSecond.toFixed(1) : formatCount(status.imagesPerSecond)));
  if (status.secondsLeft !== undefined) words.push(t('{0} left', formatDuration(status.secondsLeft)));
  if (status.device !== undefined) words.push(clip(status.device, 80));
  return words;
}

function endWithoutReason(state: RunHeader['state']): string {
  if (state === 'lost') return t('The run no longer answers.');
  return state === 'killed' ? t('The run was killed.') : t('The run failed.');
}
