/** Making elements: text is always a text node, styles always classes, so that nothing from a run folder becomes markup. */

type Child = Node | string | undefined;
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function element<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  append(node, children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  append(node, children);
  return node;
}

export function setAttribute(node: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}

function append(node: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== undefined) node.append(child);
}

/** Touches the page only where something changed: a header that is written every frame must not be laid out every frame. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node: HTMLElement, visible: boolean): void {
  if (node.hidden === visible) node.hidden = !visible;
}

export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const node = element('button', { type: 'button', ...attributes }, label);
  node.addEventListener('click', onClick);
  return node;
}

const ICONS = {
  play: 'M5 3.5v9l7-4.5z',
  pause: 'M5 3.5h2v9H5zM9 3.5h2v9H9z',
  plus: 'M7.25 3.5h1.5v3.75h3.75v1.5H8.75v3.75h-1.5V8.75H3.5v-1.5h3.75z',
  minus: 'M3.5 7.25h9v1.5h-9z',
  fit: 'M3 3h4v1.4H4.4V7H3zM9 3h4v4h-1.4V4.4H9zM3 9h1.4v2.6H7V13H3zM11.6 9H13v4H9v-1.4h2.6z',
} as const;

export function icon(name: keyof typeof ICONS): SVGElement {
  return svg('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', class: 'icon' }, svg('path', { d: ICONS[name], fill: 'currentColor' }));
}

export function iconButton(name: keyof typeof ICONS, label: string, onClick: () => void): HTMLButtonElement {
  const node = element('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label }, icon(name));
  node.addEventListener('click', onClick);
  return node;
}

export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

/** A row of radio buttons that looks like one control; arrow keys come with the native inputs. */
export function segmented<T extends string>(legend: string, name: string, options: readonly Option<T>[], chosen: T, onChange: (value: T) => void): HTMLFieldSetElement {
  const field = element('fieldset', { class: 'segmented' }, element('legend', { class: 'unseen' }, legend));
  for (const { value, label } of options) {
    const input = element('input', { type: 'radio', name, value, class: 'unseen' });
    input.checked = value === chosen;
    input.addEventListener('change', () => { onChange(value); });
    field.append(element('label', {}, input, element('span', {}, label)));
  }
  return field;
}

export function select(label: string, name: string, options: readonly Option<string>[], chosen: string, onChange: (value: string) => void): HTMLLabelElement {
  const input = element('select', { name });
  for (const option of options) {
    const item = element('option', { value: option.value }, option.label);
    item.selected = option.value === chosen;
    input.append(item);
  }
  input.addEventListener('change', () => { onChange(input.value); });
  return element('label', { class: 'field' }, element('span', {}, label), input);
}

export function checkbox(label: string, checked: boolean, onChange: (checked: boolean) => void, mark?: Element): HTMLLabelElement {
  const input = element('input', { type: 'checkbox' });
  input.checked = checked;
  input.addEventListener('change', () => { onChange(input.checked); });
  return element('label', { class: 'check' }, input, mark, element('span', {}, label));
}

export interface Range {
  readonly label: string;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly value: number;
  readonly say: (value: number) => string;
  readonly change: (value: number) => void;
}

export function slider({ label, low, high, step, value, say, change }: Range): HTMLLabelElement {
  const input = element('input', { type: 'range', min: low, max: high, step, 'aria-label': label });
  const output = element('span', { class: 'number' }, say(value));
  input.value = String(value);
  input.setAttribute('aria-valuetext', say(value));
  input.addEventListener('input', () => {
    output.textContent = say(input.valueAsNumber);
    input.setAttribute('aria-valuetext', say(input.valueAsNumber));
    change(input.valueAsNumber);
  });
  return element('label', { class: 'field' }, element('span', { 'aria-hidden': 'true' }, label), input, output);
}

/** Runs at most once a frame, however often it is asked for. */
export function perFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
