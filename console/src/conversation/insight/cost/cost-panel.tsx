import type { InsightProps } from '../insight-props.js';

/** Under construction. */
export function CostPanel(_props: InsightProps) {
  return <p>CostPanel</p>;
}
