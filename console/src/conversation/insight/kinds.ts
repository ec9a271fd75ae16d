import { oneLine } from '../../ui/safe-text.js';
import type { Span, SpanKind } from './insight-api.js';

/** How people call each kind of span, in the order of the legend. */
export const KINDS: Readonly<Record<SpanKind, { label: string; waits?: boolean }>> = {
  model: { label: 'Model' },
  tool: { label: 'Tools' },
  hook: { label: 'Hooks' },
  condensation: { label: 'Condensation' },
  confirmation: { label: 'Awaiting approval', waits: true },
  person: { label: 'Awaiting message', waits: true },
  paused: { label: 'Paused', waits: true },
  down: { label: 'Server down', waits: true },
};

/** The kinds in the order of the legend. */
export const KIND_NAMES = Object.keys(KINDS) as SpanKind[];

/** Whether nothing works in a span of this kind: such time can be cut out. */
export function isWait(kind: SpanKind): boolean {
  return KINDS[kind].waits === true;
}

/** What a span is called in a row: the tool, the model without its provider, the hook. */
export function shortName({ kind, name }: Pick<Span, 'kind' | 'name'>): string {
  if (kind === 'model') return oneLine(name.slice(name.lastIndexOf('/') + 1), 40) || 'model';
  if (kind === 'hook') return `${oneLine(name, 30)} hook`;
  return kind === 'tool' ? oneLine(name, 40) : KINDS[kind].label.toLowerCase();
}
