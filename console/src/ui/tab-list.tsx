import { useEffect, useRef } from 'preact/hooks';

/** A part of a view that is chosen by a tab. */
export interface ChoosableTab<Name> {
  name: Name;
  /** Of its element: different ones on the whole page. */
  id: string;
  label: string;
}

interface Props<Name> {
  class: string;
  label: string;
  tabs: readonly ChoosableTab<Name>[];
  current: Name;
  /** Id of the element that shows the chosen part. */
  controls?: string;
  onChoose: (name: Name) => void;
}

/** Tabs that choose what is shown, also with the arrow keys. Parts with addresses have `Tabs`. */
export function TabList<Name>({ class: name, label, tabs, current, controls, onChoose }: Props<Name>) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Where there is little room it may be beside what can be seen.
    ref.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.name === current);
    const next = (at + step + tabs.length) % tabs.length;
    const chosen = tabs[next];
    if (chosen) onChoose(chosen.name);
    ref.current?.querySelectorAll<HTMLElement>('[role="tab"]')[next]?.focus();
  };
  return (
    <div ref={ref} class={name} role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          key={tab.id}
          id={tab.id}
          type="button"
          role="tab"
          aria-selected={tab.name === current}
          aria-controls={tab.name === current ? controls : undefined}
          tabIndex={tab.name === current ? 0 : -1}
          onClick={() => onChoose(tab.name)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}
