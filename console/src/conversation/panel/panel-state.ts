import { computed, signal } from '@preact/signals';
import { setQuery, viewQuery } from '../../routing/address.js';
import { keep, readKept } from '../../ui/kept.js';
import { INSIGHT_PANELS, type InsightPanel } from '../insight/index.js';

/** The name of a panel, as in the address. */
export type PanelName = InsightPanel['id'];

const LAST = 'panel';
const WIDTH = 'panel-width';
/** Narrower screens show one thing at a time. */
export const NARROW = matchMedia('(max-width: 900px)');
const MIN_WIDTH = 300;
const DEFAULT_WIDTH = 420;

/** The panel that the address names; undefined: none is open. */
export const openPanelName = computed<PanelName | undefined>(() => toPanel(viewQuery.value.get('panel')));

/** The width of the panel in pixels. */
export const panelWidth = signal(bounded(Number(readKept(WIDTH) ?? DEFAULT_WIDTH)));

/** Opens a panel, or closes it. The address says which one is open. */
export function openPanel(name: PanelName | undefined): void {
  setQuery({ panel: name ?? null });
  if (!NARROW.matches) keep(LAST, name ?? 'none');
}

/** The panel to open where the address names none: that of the last visit. */
export function lastPanel(): PanelName | undefined {
  return NARROW.matches ? undefined : toPanel(readKept(LAST));
}

/** Changes the width, and remembers it. */
export function setPanelWidth(width: number): void {
  panelWidth.value = bounded(width);
  keep(WIDTH, String(panelWidth.peek()));
}

function bounded(width: number): number {
  const most = Math.max(MIN_WIDTH, innerWidth * 0.6);
  return Math.round(Math.min(most, Math.max(MIN_WIDTH, Number.isFinite(width) ? width : DEFAULT_WIDTH)));
}

function toPanel(name: string | null): PanelName | undefined {
  return INSIGHT_PANELS.find(({ id }) => id === name)?.id;
}
