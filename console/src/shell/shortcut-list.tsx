import { signal } from '@preact/signals';
import { Dialog } from '../ui/dialog.js';
import { Keys } from '../ui/keys.js';
import { allCommands, setSingleKeys, singleKeys, useCommands, type Command } from '../ui/shortcuts.js';

/** Whether the list of keys is shown. */
export const showShortcuts = signal(false);

/** The keys of what is shown now. */
export function ShortcutList() {
  useCommands([
    { keys: '?', label: 'List the keys', group: 'Console', run: () => (showShortcuts.value = true) },
  ]);
  if (!showShortcuts.value) return null;
  const withKeys = allCommands().filter(({ keys }) => keys !== undefined);
  const groups = [...new Set(withKeys.map(({ group }) => group))];
  return (
    <Dialog title="Keys" wide onClose={() => (showShortcuts.value = false)}>
      <div class="key-groups">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl class="keys">
              {inEffect(withKeys.filter((command) => command.group === group)).map(({ keys = '', label }) => (
                <div key={keys}>
                  <dt>
                    <Keys keys={keys} />
                  </dt>
                  <dd>{label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => setSingleKeys(event.currentTarget.checked)}
        />
        Use keys without Ctrl. Switch them off if you speak to your computer.
      </label>
    </Dialog>
  );
}

/** The first of several commands with the same keys. */
function inEffect(commands: readonly Command[]): Command[] {
  return [...new Map(commands.toReversed().map((command) => [command.keys, command])).values()].reverse();
}
