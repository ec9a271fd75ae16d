import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Dialog } from '../ui/dialog.js';
import { allCommands, useCommands } from '../ui/shortcuts.js';
import { Keys } from './shortcut-list.js';

const isOpen = signal(false);

/** All commands of what is shown now, to find by typing. */
export function Palette() {
  useCommands([
    {
      keys: 'mod+k',
      label: 'Find a command',
      group: 'Console',
      inFields: true,
      run: () => (isOpen.value = true),
    },
  ]);
  return isOpen.value ? <PaletteDialog /> : null;
}

function PaletteDialog() {
  const text = useSignal('');
  const chosen = useSignal(0);
  const words = text.value.toLowerCase().split(/\s+/);
  const found = allCommands().filter(({ label }) =>
    words.every((word) => label.toLowerCase().includes(word)),
  );
  const close = (): void => void (isOpen.value = false);
  useEffect(() => {
    chosen.value = 0;
  }, [text.value]);
  const run = (index: number): void => {
    const command = found[index];
    close();
    // The dialog has given the focus back by then.
    if (command !== undefined) setTimeout(command.run);
  };
  return (
    <Dialog title="Commands" onClose={close}>
      <input
        type="text"
        list={undefined}
        role="combobox"
        aria-label="Find a command"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `palette-${chosen.value}` : undefined}
        autofocus
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
          if (step !== 0) {
            event.preventDefault();
            chosen.value = (chosen.value + step + found.length) % Math.max(1, found.length);
          } else if (event.key === 'Enter') {
            event.preventDefault();
            run(chosen.value);
          }
        }}
      />
      <ul id="palette-list" class="palette" role="listbox" aria-label="Commands">
        {found.map(({ label, group, keys }, index) => (
          <li
            key={`${group} ${label}`}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen.value}
            onClick={() => run(index)}
          >
            <span>{label}</span>
            <small>{group}</small>
            {keys !== undefined && <Keys keys={keys} />}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
