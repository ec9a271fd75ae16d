/** A part of a view with an address of its own. */
export interface Tab {
  /** Path below the console. */
  to: string;
  label: string;
  /** Shown behind the label: how much there is to look at. */
  count?: number;
}

/** Links to the parts of a view. */
export function Tabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ to, label: text, count }) => (
        <a key={to} href={to} aria-current={to === current ? 'page' : undefined}>
          {text}
          {count !== undefined && count > 0 && <span class="tab-count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
