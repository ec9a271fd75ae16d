import type { InsightProps } from '../insight-props.js';

/** Under construction. */
export function ContextPanel(_props: InsightProps) {
  return <p>ContextPanel</p>;
}
