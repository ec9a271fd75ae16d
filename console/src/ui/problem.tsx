import type { ComponentChildren } from 'preact';
import { Button } from './button.js';

/** Says what failed and what to do. */
export function Problem({
  title,
  detail,
  action,
}: {
  title: string;
  detail?: ComponentChildren;
  action?: { label: string; run: () => void };
}) {
  return (
    <div class="problem" role="alert">
      <h2>{title}</h2>
      {detail !== undefined && <p>{detail}</p>}
      {action && <Button onClick={action.run}>{action.label}</Button>}
    </div>
  );
}
