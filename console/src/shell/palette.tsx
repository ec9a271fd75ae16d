import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Dialog } from '../ui/dialog.js';
import { Keys } from '../ui/keys.js';
import { visible } from '../ui/safe-text.js';
import { allCommands, useCommands } from '../ui/shortcuts.js';
import { useQuery } from '../api/use-query.js';
import { findConversations } from './find-conversations.js';
import { matchingCommands, rememberCommand, type Entry } from './palette-entries.js';

const PAUSE_MS = 150;

/** Whether the palette is shown. */
export const showPalette = signal(false);

/** All commands of what is shown now, and conversations by their titles, to find by typing. */
export function Palette() {
  useCommands([
    {
      keys: 'mod+k',
      label: 'Find a command or a conversation',
      group: 'Console',
      inFields: true,
      run: () => (showPalette.value = true),
    },
  ]);
  return showPalette.value ? <PaletteDialog /> : null;
}

function PaletteDialog() {
  const text = useSignal('');
  const chosen = useSignal(0);
  const list = useRef<HTMLDivElement>(null);
  const words = text.value
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const conversations = useQuery(words.join(' '), findConversations, PAUSE_MS);
  const commands = matchingCommands(allCommands(), words);
  const found: Entry[] = [...commands, ...(conversations.data ?? [])];
  const index = Math.min(chosen.value, found.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [index]);
  const close = (): void => void (showPalette.value = false);
  const run = (entry: Entry | undefined): void => {
    close();
    if (entry === undefined) return;
    if (commands.includes(entry)) rememberCommand(entry);
    // The dialog has given the focus back by then.
    setTimeout(entry.run);
  };
  return (
    <Dialog title="Find" onClose={close}>
      <input
        type="text"
        role="combobox"
        aria-label="A command or the title of a conversation"
        placeholder="A command or the title of a conversation"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-autocomplete="list"
        aria-activedescendant={found.length > 0 ? `palette-${index}` : undefined}
        autocomplete="off"
        spellcheck={false}
        autofocus
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
          if (step !== 0) {
            event.preventDefault();
            chosen.value = (index + step + found.length) % Math.max(1, found.length);
          } else if (event.key === 'Enter' && !event.isComposing) {
            event.preventDefault();
            run(found[index]);
          }
        }}
      />
      <div
        id="palette-list"
        ref={list}
        class="palette"
        role="listbox"
        tabIndex={-1}
        aria-label="Commands and conversations"
      >
        {found.map((entry, at) => (
          <div
            key={`${entry.group} ${entry.label} ${at}`}
            id={`palette-${at}`}
            class="palette-entry"
            role="option"
            aria-selected={at === index}
            onMouseMove={() => (chosen.value = at)}
            onClick={() => run(entry)}
          >
            <span>{visible(entry.label)}</span>
            <small>{visible(entry.group)}</small>
            {entry.keys !== undefined && <Keys keys={entry.keys} />}
          </div>
        ))}
      </div>
      <p class="palette-foot" role="status">
        {found.length === 0 && !conversations.isLoading
          ? 'Nothing is called like that.'
          : conversations.problem !== undefined
            ? `Conversations cannot be searched: ${conversations.problem}`
            : ''}
      </p>
    </Dialog>
  );
}
