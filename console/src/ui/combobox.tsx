import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { visible } from './safe-text.js';

/** One offer of a `Combobox`. */
export interface Option {
  /** What the field contains after the choice. */
  value: string;
  label: string;
  detail?: string;
  /** The heading above it; neighbours with the same one share it. */
  group?: string;
  /** The list stays open: the value is the beginning of others (a folder). */
  goesOn?: boolean;
}

/** A text field with offers below. What is typed need not be among them. */
export function Combobox({
  id,
  value,
  options,
  onInput,
  onChoose,
  placeholder,
  describedBy,
  isInvalid = false,
  emptyText,
}: {
  id: string;
  value: string;
  options: readonly Option[];
  onInput: (text: string) => void;
  onChoose: (option: Option) => void;
  placeholder?: string;
  describedBy?: string;
  isInvalid?: boolean;
  /** Said in place of offers if there is none. */
  emptyText?: string;
}) {
  const isOpen = useSignal(false);
  const active = useSignal(-1);
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const shown = isOpen.value && (options.length > 0 || emptyText !== undefined);
  const index = active.value < options.length ? active.value : -1;
  useEffect(() => {
    active.value = -1;
  }, [value]);
  useEffect(() => {
    if (shown) list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [index, shown]);

  const choose = (option: Option): void => {
    isOpen.value = option.goesOn === true;
    active.value = -1;
    onChoose(option);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      if (!shown) isOpen.value = true;
      else if (options.length > 0) active.value = nextIndex(index, step, options.length);
    } else if (event.key === 'Enter' && shown && !event.ctrlKey && !event.metaKey) {
      const option = options[index];
      // Enter without a choice accepts what is typed; it does not send the form.
      event.preventDefault();
      if (option === undefined) isOpen.value = false;
      else choose(option);
    } else if (event.key === 'Escape' && shown) {
      event.preventDefault();
      event.stopPropagation();
      isOpen.value = false;
    }
  };
  return (
    <div class="combobox">
      <input
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-expanded={shown}
        aria-controls={shown ? listId : undefined}
        aria-autocomplete="list"
        aria-activedescendant={shown && index >= 0 ? `${listId}-${index}` : undefined}
        aria-describedby={describedBy}
        aria-invalid={isInvalid}
        placeholder={placeholder}
        value={value}
        onInput={(event) => {
          isOpen.value = true;
          onInput(event.currentTarget.value);
        }}
        onClick={() => {
          isOpen.value = true;
        }}
        onKeyDown={onKeyDown}
        onBlur={() => {
          isOpen.value = false;
        }}
      />
      {shown && options.length === 0 && <p class="combobox-list combobox-empty">{emptyText}</p>}
      {shown && options.length > 0 && (
        <div
          id={listId}
          ref={list}
          class="combobox-list"
          role="listbox"
          aria-label="Suggestions"
          tabIndex={-1}
          // The field keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
        >
          {groupsOf(options).map(({ name, start, members }) => (
            <div key={`${start} ${name}`} role="group" aria-label={name || 'Suggestions'}>
              {name !== '' && (
                <div class="combobox-group" aria-hidden="true">
                  {name}
                </div>
              )}
              {members.map((option, at) => (
                <div
                  key={option.value}
                  id={`${listId}-${start + at}`}
                  class="combobox-option"
                  role="option"
                  aria-selected={start + at === index}
                  onClick={() => choose(option)}
                >
                  <span>{visible(option.label)}</span>
                  {option.detail !== undefined && <small>{visible(option.detail)}</small>}
                </div>
              ))}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

/** From the field (-1) down to the first offer, up to the last one, and around. */
function nextIndex(index: number, step: number, count: number): number {
  if (index === -1 && step === -1) return count - 1;
  const next = index + step;
  return next >= count ? 0 : next < 0 ? count - 1 : next;
}

function groupsOf(options: readonly Option[]): { name: string; start: number; members: Option[] }[] {
  const groups: { name: string; start: number; members: Option[] }[] = [];
  for (const [index, option] of options.entries()) {
    const last = groups.at(-1);
    const name = option.group ?? '';
    if (last?.name === name) last.members.push(option);
    else groups.push({ name, start: index, members: [option] });
  }
  return groups;
}
