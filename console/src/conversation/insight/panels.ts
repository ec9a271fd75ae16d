export { BranchesPanel } from './branches/branches-panel.js';
export { ContextPanel } from './context/context-panel.js';
export { CostPanel } from './cost/cost-panel.js';
export { FilesPanel } from './files/files-panel.js';
export { Waterfall } from './waterfall/waterfall.js';
