/** The way of looking that every page keeps: what of a saved one is believed, and how a part of it is forgotten. */
import { type Looks } from './contract.ts';

export const FRESH_LOOKS: Looks = { hidden: [], smoothing: 0.9, logarithmic: false, axis: 'step', image: 0, opacity: 0.7, sameScale: true, colours: 'viridis' };

export interface Bounds {
  /** Letters of a name. */
  readonly longest: number;
  readonly mostHidden: number;
}

/** Of what `getState` gave back, whatever it is. */
export function restoreLooks(saved: Record<string, unknown>, { longest, mostHidden }: Bounds): Looks {
  const { zoom, pictureStep } = saved;
  return {
    hidden: names(saved.hidden, longest).slice(0, mostHidden),
    smoothing: number(saved.smoothing, 0, 0.99, FRESH_LOOKS.smoothing),
    logarithmic: saved.logarithmic === true,
    axis: oneOf(saved.axis, ['step', 'epoch', 'time'], FRESH_LOOKS.axis),
    ...(isRange(zoom) && { zoom }),
    image: number(saved.image, 0, 1e6, FRESH_LOOKS.image),
    ...(isName(saved.mask, longest) && { mask: saved.mask }),
    ...(isName(saved.level, longest) && { level: saved.level }),
    ...(typeof pictureStep === 'number' && Number.isFinite(pictureStep) && { pictureStep }),
    opacity: number(saved.opacity, 0, 1, FRESH_LOOKS.opacity),
    sameScale: saved.sameScale !== false,
    colours: oneOf(saved.colours, ['viridis', 'magma', 'grey'], FRESH_LOOKS.colours),
  };
}

type OptionalKey<State> = { [Key in keyof State]-?: Partial<Pick<State, Key>> extends Pick<State, Key> ? Key : never }[keyof State];

/** Without keys that mean something by their absence. */
export function without<State extends Looks>(state: State, ...keys: readonly OptionalKey<State>[]): State {
  return Object.fromEntries(Object.entries(state).filter(([name]) => !keys.some((key) => key === name))) as unknown as State;
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
export const isName = (value: unknown, longest: number): value is string => typeof value === 'string' && value !== '' && value.length <= longest;
export const names = (value: unknown, longest: number): string[] => (Array.isArray(value) ? value.filter((name) => isName(name, longest)) : []);

export function number(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : otherwise;
}

function oneOf<T extends string>(value: unknown, all: readonly T[], otherwise: T): T {
  return all.find((item) => item === value) ?? otherwise;
}

function isRange(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((end) => Number.isFinite(end)) && (value[0] as number) < (value[1] as number);
}
