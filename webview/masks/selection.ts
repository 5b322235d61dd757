/** What of an index is shown: choices of mask, levels, panes. Pure, and wary: the index comes from a folder. */
import { type PictureIndex } from '../../src/experiment/record.ts';
import { t } from '../words.ts';

export type MaskEntry = PictureIndex['masks'][number];
export type Role = MaskEntry['role'];
export type Form = MaskEntry['form'];

/** The level of pictures that belong to none. */
export const ALL_LEVELS = 'all';

/** One entry of the chooser: a kind seen in teacher and student, or up to three kinds that stand alone, side by side. */
export interface MaskChoice {
  readonly key: string;
  readonly method: string;
  readonly title: string;
  readonly form: Form;
  readonly kinds: readonly string[];
}

export interface Level {
  readonly name: string;
  /** Input pixels a cell. */
  readonly stride: number;
}

export interface PaneContent {
  readonly title: string;
  readonly form: Form;
  readonly role: Role;
  readonly signed: boolean;
  readonly caption: string;
  readonly stride: number;
  /** [H, W] of maps, [C] of bars, [rows, columns] of matrices, [R, 5] of boxes. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const DIFFERENCE = t('Student less teacher: orange where the student has more, blue where it has less.');
const SIDE_BY_SIDE = 3;
const MAX_MASKS = 20_000;
/** Four corners and a value. */
export const BOX_VALUES = 5;
const ROLE_TITLES: Readonly<Record<Role, string>> = { teacher: t('Teacher'), student: t('Student'), difference: t('Difference'), shared: t('Mask') };

export function choicesOf(index: PictureIndex): MaskChoice[] {
  const kinds = new Map<string, { mask: MaskEntry; roles: Set<Role> }>();
  for (const mask of index.masks.slice(0, MAX_MASKS)) {
    const key = `${mask.method}/${mask.kind}`;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { mask, roles: new Set([mask.role]) });
    else known.roles.add(mask.role);
  }
  const choices: MaskChoice[] = [];
  const alone = new Map<string, MaskEntry[]>();
  for (const [key, { mask, roles }] of kinds) {
    const { method, form, title } = mask;
    if (form !== 'map' || roles.size > 1) choices.push({ key, method, title, form, kinds: [mask.kind] });
    else alone.set(method, [...(alone.get(method) ?? []), mask]);
  }
  for (const [method, masks] of alone) choices.push(...sideBySide(method, masks));
  return choices;
}

function sideBySide(method: string, masks: readonly MaskEntry[]): MaskChoice[] {
  const choices: MaskChoice[] = [];
  for (let i = 0; i < masks.length; i += SIDE_BY_SIDE) {
    const group = masks.slice(i, i + SIDE_BY_SIDE);
    const title = group.map((mask, at) => (at === 0 ? mask.title : lowerFirst(mask.title))).join(', ');
    choices.push({ key: `${method}/${group.map((mask) => mask.kind).join('+')}`, method, title, form: 'map', kinds: group.map((mask) => mask.kind) });
  }
  return choices;
}

const lowerFirst = (text: string): string => (/^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text);

const belongs = (mask: MaskEntry, choice: MaskChoice): boolean => mask.method === choice.method && choice.kinds.includes(mask.kind);

export function levelsOf(index: PictureIndex, choice: MaskChoice): Level[] {
  const levels = new Map<string, Level>();
  for (const mask of index.masks) if (belongs(mask, choice) && !levels.has(mask.level)) levels.set(mask.level, { name: mask.level, stride: mask.stride });
  const order = ({ name, stride }: Level): number => (name === ALL_LEVELS ? Infinity : stride);
  return [...levels.values()].sort((a, b) => order(a) - order(b) || 0).slice(0, 12);
}

/** Teacher, student and difference (computed where it was not recorded, but boxes have none), or the kinds that stand alone; in this order. */
export function panesOf(index: PictureIndex, values: Float32Array, choice: MaskChoice, level: string, image: number): PaneContent[] {
  const found = index.masks.filter((mask) => belongs(mask, choice) && mask.level === level && mask.image === image);
  const panes: PaneContent[] = [];
  for (const kind of choice.kinds) {
    const ofKind = (role: Role): PaneContent | undefined => contentOf(found.find((mask) => mask.kind === kind && mask.role === role), values, choice);
    const [teacher, student] = [ofKind('teacher'), ofKind('student')];
    const difference = ofKind('difference') ?? differenceOf(teacher, student);
    panes.push(...captioned([ofKind('shared'), teacher, student, difference].filter((pane) => pane !== undefined)));
  }
  return panes;
}

/** A kind has one caption for all roles: beside the teacher's the others say only what is different about them. */
function captioned(panes: readonly PaneContent[]): PaneContent[] {
  const first = panes[0]?.caption;
  return panes.map((pane, index) => {
    if (index === 0 || pane.caption !== first) return pane;
    if (pane.role === 'difference') return { ...pane, caption: DIFFERENCE };
    return pane.role === 'student' ? { ...pane, caption: t('The same for the student.') } : pane;
  });
}

function contentOf(mask: MaskEntry | undefined, values: Float32Array, choice: MaskChoice): PaneContent | undefined {
  if (mask === undefined) return undefined;
  const shape = mask.shape.slice(0, 2).map((side) => Math.max(0, Math.floor(side)));
  const size = shape.reduce((product, side) => product * side, 1);
  if (size === 0 || shape.length !== (choice.form === 'bars' ? 1 : 2) || !(mask.offset >= 0) || mask.offset + size > values.length) return undefined;
  if (choice.form === 'boxes' && shape[1] !== BOX_VALUES) return undefined;
  // Kinds side by side, and masks that belong to neither network, are called by their own name.
  const title = choice.kinds.length > 1 || mask.role === 'shared' ? mask.title : ROLE_TITLES[mask.role];
  return { title, form: choice.form, role: mask.role, signed: mask.signed, caption: mask.caption, stride: mask.stride, shape, values: values.subarray(mask.offset, mask.offset + size) };
}

function differenceOf(teacher: PaneContent | undefined, student: PaneContent | undefined): PaneContent | undefined {
  if (teacher?.values.length !== student?.values.length || teacher === undefined || student === undefined || teacher.form === 'boxes') return undefined;
  const values = student.values.map((value, i) => value - (teacher.values[i] ?? NaN));
  return { title: ROLE_TITLES.difference, form: teacher.form, role: 'difference', signed: true, caption: DIFFERENCE, stride: teacher.stride, shape: teacher.shape, values };
}
