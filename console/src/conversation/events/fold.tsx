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
  const open = useFold(name, isOpen);
  const id = useId();
  return (
    <div class={`fold ${kind}`}>
      <button
        type="button"
        class="fold-head"
        aria-expanded={open.value}
        aria-controls={open.value ? id : undefined}
        onClick={() => (open.value = !open.value)}
      >
        <Icon name={open.value ? 'down' : 'right'} />
        {label}
      </button>
      {open.value && (
        <div id={id} class="fold-body">
          {children()}
        </div>
      )}
    </div>
  );
}
