import type { ComponentType } from 'preact';
import { lazyView } from '../../routing/lazy-view.js';
import type { InsightProps } from './insight-props.js';

export type { InsightProps } from './insight-props.js';

/** A panel about what a conversation did, for a tab beside its events. */
export interface InsightPanel {
  /** For addresses. */
  id: 'time' | 'cost' | 'context' | 'branches' | 'files';
  label: string;
  View: ComponentType<InsightProps>;
}

/** The panels in the order of their tabs. Their code is loaded when the first of them is shown. */
export const INSIGHT_PANELS: readonly InsightPanel[] = [
  { id: 'time', label: 'Time', View: lazyView(async () => (await import('./panels.js')).Waterfall) },
  { id: 'cost', label: 'Cost', View: lazyView(async () => (await import('./panels.js')).CostPanel) },
  { id: 'context', label: 'Context', View: lazyView(async () => (await import('./panels.js')).ContextPanel) },
  {
    id: 'branches',
    label: 'Branches',
    View: lazyView(async () => (await import('./panels.js')).BranchesPanel),
  },
  { id: 'files', label: 'Files', View: lazyView(async () => (await import('./panels.js')).FilesPanel) },
];
