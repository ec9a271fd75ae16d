import { signal } from '@preact/signals';
import { theme } from '../../shell/theme.js';
import type { SpanKind } from './insight-api.js';

/** Grows when the colours of the page change: what is drawn on a canvas has to be drawn again. */
export const colourVersion = signal(0);

const grow = (): void => {
  // After the new styles are in force.
  requestAnimationFrame(() => (colourVersion.value += 1));
};
theme.subscribe(grow);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', grow);

/** The variable of each kind; `insight.css` uses the same. */
const KIND_VARIABLES: Readonly<Record<SpanKind, string>> = {
  model: '--plot-1',
  tool: '--plot-2',
  confirmation: '--plot-3',
  hook: '--plot-4',
  condensation: '--plot-5',
  person: '--line-strong',
  paused: '--line-strong',
  down: '--bad',
};

/** The value of a colour variable now. */
function colour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

/** The colour of each kind now. */
export function kindColours(): Record<SpanKind, string> {
  const entries = Object.entries(KIND_VARIABLES).map(([kind, variable]) => [kind, colour(variable)]);
  return Object.fromEntries(entries) as Record<SpanKind, string>;
}
