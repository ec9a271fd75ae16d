import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icon.js';

/** Pixels between a list and its button, and the edge of the window. */
const GAP = 4;
const EDGE = 8;

/** An entry of a menu. */
export interface MenuItem {
  label: string;
  icon?: IconName;
  /** What it does, below its label. */
  hint?: string;
  run: () => void;
  isDisabled?: boolean;
  isDanger?: boolean;
  /** For settings that are on or off. */
  isChecked?: boolean;
  /** A line above it. */
  startsGroup?: boolean;
}

/**
 * A button that opens a list of actions. Arrow keys, Home and End move in it, letters find an entry, Escape
 * closes it and gives the focus back.
 */
export function Menu({
  label,
  items,
  children,
  class: name = 'button quiet square',
}: {
  label: string;
  items: readonly MenuItem[];
  /** What the button shows. */
  children: ComponentChildren;
  class?: string;
}) {
  const isOpen = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const entries = (): HTMLElement[] => [
    ...(list.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]:not(:disabled)') ?? []),
  ];
  const close = (): void => {
    isOpen.value = false;
    button.current?.focus();
  };
  useLayoutEffect(() => {
    if (!isOpen.value || button.current === null || list.current === null) return undefined;
    // In the top layer, nothing that scrolls cuts it off.
    list.current.showPopover();
    place(list.current, button.current);
    entries()[0]?.focus();
    const onPointer = ({ target }: PointerEvent): void => {
      if (!(target instanceof Node) || button.current?.parentElement?.contains(target) !== true)
        isOpen.value = false;
    };
    const onResize = (): void => {
      isOpen.value = false;
    };
    addEventListener('pointerdown', onPointer);
    addEventListener('resize', onResize);
    return () => {
      removeEventListener('pointerdown', onPointer);
      removeEventListener('resize', onResize);
    };
  }, [isOpen.value]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const target = {
      ArrowDown: all[(at + 1) % all.length],
      ArrowUp: all.at(at <= 0 ? -1 : at - 1),
      Home: all[0],
      End: all.at(-1),
    }[event.key];
    event.stopPropagation();
    if (event.key === 'Escape') close();
    else if (event.key === 'Tab') isOpen.value = false;
    else if (target !== undefined) target.focus();
    else if (/^\w$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const begins = ({ textContent }: HTMLElement): boolean =>
        textContent.trim().toLowerCase().startsWith(event.key.toLowerCase());
      [...all.slice(at + 1), ...all].find(begins)?.focus();
    } else return;
    if (event.key !== 'Tab') event.preventDefault();
  };
  return (
    <div class="menu-anchor">
      <button
        ref={button}
        type="button"
        class={name}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-controls={isOpen.value ? id : undefined}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
          event.preventDefault();
          isOpen.value = true;
        }}
      >
        {children}
      </button>
      {isOpen.value && (
        <div
          ref={list}
          id={id}
          class="menu"
          popover="manual"
          role="menu"
          aria-label={label}
          onKeyDown={onKeyDown}
        >
          {items.map((item) => (
            <MenuEntry key={item.label} item={item} onDone={close} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Puts a list below its button, or above it where there is more room, within the window. */
function place(list: HTMLElement, button: HTMLElement): void {
  const { top, bottom, right } = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const isAbove = innerHeight - bottom < height + EDGE && top > innerHeight - bottom;
  list.style.left = `${Math.max(EDGE, right - width)}px`;
  list.style.top = `${Math.max(EDGE, isAbove ? top - height - GAP : bottom + GAP)}px`;
}

function MenuEntry({ item, onDone }: { item: MenuItem; onDone: () => void }) {
  const { label, icon, hint, run, isDisabled, isDanger, isChecked, startsGroup } = item;
  return (
    <>
      {startsGroup === true && <hr />}
      <button
        type="button"
        role={isChecked === undefined ? 'menuitem' : 'menuitemcheckbox'}
        aria-checked={isChecked}
        tabIndex={-1}
        class={isDanger === true ? 'menu-item danger' : 'menu-item'}
        disabled={isDisabled}
        onClick={() => {
          onDone();
          run();
        }}
      >
        <span class="menu-mark">
          {isChecked === true ? <Icon name="check" /> : icon !== undefined && <Icon name={icon} />}
        </span>
        <span>
          {label}
          {hint !== undefined && <small>{hint}</small>}
        </span>
      </button>
    </>
  );
}
