import type { ComponentChildren } from 'preact';

/** What a view without content says: what will be here, and how to get it there. */
export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty-state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
