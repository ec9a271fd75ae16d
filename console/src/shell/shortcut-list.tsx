import { signal } from '@preact/signals';
import { Dialog } from '../ui/dialog.js';
import { allCommands, useCommands } from '../ui/shortcuts.js';

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
    <Dialog title="Keys" onClose={() => (showShortcuts.value = false)}>
      {groups.map((group) => (
        <section key={group}>
          <h3>{group}</h3>
          <dl class="keys">
            {withKeys
              .filter((command) => command.group === group)
              .map(({ keys = '', label }) => (
                <div key={label}>
                  <dt>
                    <Keys keys={keys} />
                  </dt>
                  <dd>{label}</dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

/** Keys as they are printed on a keyboard. */
export function Keys({ keys }: { keys: string }) {
  const isMac = navigator.userAgent.includes('Mac');
  return (
    <>
      {keys.split(' ').map((key) => (
        <kbd key={key}>{key.replace('mod', isMac ? 'Cmd' : 'Ctrl').replaceAll('+', ' ')}</kbd>
      ))}
    </>
  );
}
