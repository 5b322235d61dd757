/** The keys that masks answer to wherever they are shown; arrows are each view's own. */
export interface MaskActions {
  /** By a factor; 0 shows the whole again. */
  readonly zoom: (factor: number) => void;
  readonly player: { by(steps: number): void; toggle(): void };
  readonly changeImage: (by: number) => void;
  readonly nextLevel: () => void;
}

/** @returns whether the key meant something */
export function answerMaskKey(key: string, { zoom, player, changeImage, nextLevel }: MaskActions): boolean {
  switch (key) {
    case '+': case '=': zoom(1.6); return true;
    case '-': zoom(1 / 1.6); return true;
    case '0': case 'Escape': zoom(0); return true;
    case ',': player.by(-1); return true;
    case '.': player.by(1); return true;
    case ' ': player.toggle(); return true;
    case '[': changeImage(-1); return true;
    case ']': changeImage(1); return true;
    case 'l': nextLevel(); return true;
    default: return false;
  }
}
