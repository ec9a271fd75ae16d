import { useEffect, useRef } from 'preact/hooks';

/** A part of a view with an address of its own. */
export interface Tab {
  /** Path below the console. */
  to: string;
  label: string;
  /** Shown behind the label: how much there is to look at. */
  count?: number;
  /** What is counted. */
  countLabel?: string;
}

/** Links to the parts of a view. */
export function Tabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen it may be beside what can be seen.
    ref.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [current]);
  return (
    <nav ref={ref} class="tabs" aria-label={label}>
      {tabs.map(({ to, label: text, count, countLabel }) => (
        <a key={to} href={to} aria-current={to === current ? 'page' : undefined}>
          {text}
          {count !== undefined && count > 0 && (
            <span class="tab-count" title={countLabel}>
              {count}
              <span class="visually-hidden"> {countLabel}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}
