import type { InsightProps } from '../insight-props.js';

/** Under construction. */
export function Waterfall(_props: InsightProps) {
  return <p>Waterfall</p>;
}
