import type { InsightProps } from '../insight-props.js';

/** Under construction. */
export function BranchesPanel(_props: InsightProps) {
  return <p>BranchesPanel</p>;
}
