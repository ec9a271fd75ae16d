import type { ComponentChildren } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { visible } from './safe-text.js';

/** The head of a view, with its actions; its title is also that of the browser's tab. */
export function PageHeader({ title, children }: { title: string; children?: ComponentChildren }) {
  useLayoutEffect(() => {
    document.title = `${visible(title.slice(0, 80))} - Agent Server`;
  }, [title]);
  return (
    <div class="page-header">
      <h1>{visible(title)}</h1>
      {children !== undefined && <div class="page-actions">{children}</div>}
    </div>
  );
}
