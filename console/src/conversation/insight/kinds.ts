import type { SpanKind } from './insight-api.js';

/** How people call each kind of span, in the order of the legend. */
export const KINDS: Readonly<Record<SpanKind, { label: string; waits?: boolean }>> = {
  model: { label: 'Model' },
  tool: { label: 'Tools' },
  hook: { label: 'Hooks' },
  condensation: { label: 'Condensation' },
  confirmation: { label: 'Approval', waits: true },
  person: { label: 'Next message', waits: true },
  paused: { label: 'Paused', waits: true },
  down: { label: 'Server down', waits: true },
};

/** The kinds in the order of the legend. */
export const KIND_NAMES = Object.keys(KINDS) as SpanKind[];

/** Whether nothing works in a span of this kind: such time can be cut out. */
export function isWait(kind: SpanKind): boolean {
  return KINDS[kind].waits === true;
}
