import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Button } from './button.js';
import { Icon } from './icon.js';
import { Layer, openLayer, topLayer } from './shortcuts.js';

/**
 * A modal dialog. It keeps the focus inside and gives it back; Escape and a click beside it close it. Keys of
 * the page do nothing meanwhile; commands of its content do.
 */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  opaque = false,
}: {
  title: string;
  /** Absent: it stays until its work is done. */
  onClose?: () => void;
  children: ComponentChildren;
  wide?: boolean;
  /** Nothing of the page behind it is seen. */
  opaque?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const layer = useRef(topLayer() + 1).current;
  useLayoutEffect(() => openLayer(layer), []);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog === null) return undefined;
    const before = document.activeElement;
    if (onClose === undefined) dialog.setAttribute('closedby', 'none');
    dialog.showModal();
    return () => {
      dialog.close();
      giveFocusBack(before);
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={`dialog${wide ? ' wide' : ''}${opaque ? ' opaque' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClose={() => {
        // A browser closes it at the second Escape, whatever the page says.
        if (ref.current?.isConnected === true && !ref.current.open) ref.current.showModal();
      }}
      onMouseDown={(event) => {
        if (event.target === ref.current) onClose?.();
      }}
    >
      <div class="dialog-content">
        <h2 id={id}>{title}</h2>
        <Layer.Provider value={layer}>{children}</Layer.Provider>
        {/* The last one: what a dialog is for gets the focus first. */}
        {onClose !== undefined && (
          <div class="dialog-close">
            <Button kind="quiet" square aria-label="Close" onClick={onClose}>
              <Icon name="close" />
            </Button>
          </div>
        )}
      </div>
    </dialog>
  );
}

/** What had the focus may be gone with the dialog's work. */
function giveFocusBack(before: Element | null): void {
  const target =
    before instanceof HTMLElement && before.isConnected && before !== document.body
      ? before
      : document.querySelector('main');
  target?.focus({ preventScroll: true });
}
