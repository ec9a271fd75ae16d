import type { ComponentType } from 'preact';
import { lazyView } from '../../routing/lazy-view.js';
import type { InsightProps } from './insight-props.js';

export type { InsightInfo, InsightProps } from './insight-props.js';

/** A panel about what a conversation did, for a tab beside its events. */
export interface InsightPanel {
  /** For addresses. */
  id: 'time' | 'cost' | 'context' | 'branches' | 'changes' | 'files' | 'workspace' | 'terminal';
  label: string;
  View: ComponentType<InsightProps>;
}

const time = lazyView<InsightProps>(async () => (await import('./waterfall/waterfall.js')).Waterfall);
const cost = lazyView<InsightProps>(async () => (await import('./cost/cost-panel.js')).CostPanel);
const context = lazyView<InsightProps>(async () => (await import('./context/context-panel.js')).ContextPanel);
const branches = lazyView<InsightProps>(
  async () => (await import('./branches/branches-panel.js')).BranchesPanel,
);
const changes = lazyView<InsightProps>(async () => (await import('./changes/changes-panel.js')).ChangesPanel);
const files = lazyView<InsightProps>(async () => (await import('./files/files-panel.js')).FilesPanel);
const workspace = lazyView<InsightProps>(
  async () => (await import('./workspace/workspace-panel.js')).WorkspacePanel,
);
const terminal = lazyView<InsightProps>(
  async () => (await import('../../terminals/terminals-panel.js')).TerminalsPanel,
);

/** The panels in the order of their tabs. The code of each is loaded when it is first shown. */
export const INSIGHT_PANELS: readonly InsightPanel[] = [
  { id: 'time', label: 'Time', View: time },
  { id: 'cost', label: 'Cost', View: cost },
  { id: 'context', label: 'Context', View: context },
  { id: 'branches', label: 'Branches', View: branches },
  { id: 'changes', label: 'Changes', View: changes },
  { id: 'files', label: 'Files', View: files },
  { id: 'workspace', label: 'Tree', View: workspace },
  { id: 'terminal', label: 'Terminal', View: terminal },
];
