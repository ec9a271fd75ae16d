import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from '../../ui/icon.js';
import { useFold } from './stream-context.js';

/** A part that can be folded away. Its content is made when it is shown. */
export function Fold({
  name,
  label,
  isOpen = false,
  children,
  kind = 'line',
}: {
  /** Unique in the stream. */
  name: string;
  label: ComponentChildren;
  /** Until the person changes it. */
  isOpen?: boolean;
  children: () => ComponentChildren;
  kind?: 'line' | 'card';
}) {
  const fold = useFold(name, isOpen);
  const id = useId();
  return (
    <div class={`fold ${kind}`}>
      <button
        type="button"
        class="fold-head"
        aria-expanded={fold.isOpen}
        aria-controls={fold.isOpen ? id : undefined}
        onClick={fold.toggle}
      >
        <Icon name={fold.isOpen ? 'down' : 'right'} />
        {label}
      </button>
      {fold.isOpen && (
        <div id={id} class="fold-body">
          {children()}
        </div>
      )}
    </div>
  );
}
