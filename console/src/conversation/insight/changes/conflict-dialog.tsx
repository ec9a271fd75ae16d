import { Button } from '../../../ui/button.js';
import { Dialog } from '../../../ui/dialog.js';
import { visible } from '../../../ui/safe-text.js';
import { conflictText, type Conflict } from './conflicts.js';

const MAX_SHOWN = 100;

/** The files that a restore was refused for, and the way to do it all the same. */
export function ConflictDialog({
  conflicts,
  onForce,
  onClose,
}: {
  conflicts: readonly Conflict[];
  onForce: () => void;
  onClose: () => void;
}) {
  const canForce = conflicts.every((conflict) => conflict.canForce);
  return (
    <Dialog title="Nothing was restored" onClose={onClose}>
      <p>These files are not as the agent has left them:</p>
      <ul class="conflict-list">
        {conflicts.slice(0, MAX_SHOWN).map((conflict) => (
          <li key={conflict.path}>
            <b>{visible(conflict.path)}</b> {conflictText(conflict)}
          </li>
        ))}
      </ul>
      {conflicts.length > MAX_SHOWN && <p>And {conflicts.length - MAX_SHOWN} more.</p>}
      <div class="form-actions">
        <Button onClick={onClose}>Cancel</Button>
        {canForce && (
          <Button kind="primary" onClick={onForce}>
            Restore anyway
          </Button>
        )}
      </div>
    </Dialog>
  );
}
