import type { InsightProps } from '../insight-props.js';

/** Under construction. */
export function FilesPanel(_props: InsightProps) {
  return <p>FilesPanel</p>;
}
