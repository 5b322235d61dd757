type PartColour = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** Who a line belongs to, or which colour of the palette for parts. */
export type ColourRole = 'teacher' | 'student' | 'control' | 'truth' | `part${PartColour}` | 'foreground';
