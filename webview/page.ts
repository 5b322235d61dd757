/** What every page has around its bands: a voice for screen readers, a place for problems, the theme, messages taken one by one. */
import { element, setText, show } from './dom.ts';
import { clip } from './format.ts';
import { type Theme, readTheme, watchTheme } from './theme.ts';

/** Milliseconds: a slider changes many times a second. */
const SAVE_AFTER = 150;

export interface Life<Message> {
  /** Classes of the page beside its own. */
  readonly kind?: string;
  readonly head: HTMLElement;
  readonly bands: readonly HTMLElement[];
  readonly host: { listen(receive: (message: Message) => void): void; send(message: { readonly type: 'ready' }): void };
  readonly take: (message: Message) => void;
  readonly drawAll: () => void;
}

export class Page {
  #theme: Theme = readTheme();
  #themes = 0;
  #saving: number | undefined;
  readonly #spoken = element('p', { class: 'unseen', 'aria-live': 'polite' });
  readonly #problem = element('p', { class: 'problem', role: 'status', hidden: true });

  readonly theme = (): Theme => this.#theme;

  /** Changes whenever the theme does. */
  readonly themeKey = (): number => this.#themes;

  readonly announce = (text: string): void => { setText(this.#spoken, text); };

  complain(message: string): void {
    setText(this.#problem, clip(message, 400));
    show(this.#problem, true);
  }

  saveSoon(save: () => void): void {
    window.clearTimeout(this.#saving);
    this.#saving = window.setTimeout(save, SAVE_AFTER);
  }

  begin<Message>({ kind, head, bands, host, take, drawAll }: Life<Message>): void {
    const main = element('main', { class: kind === undefined ? 'page' : `page ${kind}` }, head, this.#problem, ...bands, this.#spoken);
    (document.getElementById('panel') ?? document.body).append(main);
    watchTheme(() => {
      this.#theme = readTheme();
      this.#themes += 1;
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
}
