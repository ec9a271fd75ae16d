import { mayWrite } from '../api/current-key.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { canResume, count, pause, resume } from './actions.js';
import { deleteLater } from './deletions.js';
import { isRunning } from './filters.js';
import { clearSelection } from './selection.js';
import type { Summary } from './summary-store.js';

/** What can be done with all marked conversations. */
export function BulkBar({ marked }: { marked: readonly Summary[] }) {
  if (marked.length === 0) return null;
  const running = marked.filter(isRunning);
  const resumable = marked.filter(canResume);
  return (
    <div class="home-bulk-bar" role="toolbar" aria-label="Marked conversations">
      <span role="status">{count(marked.length)} marked</span>
      {mayWrite() && (
        <>
          <Button disabled={running.length === 0} title="Pause (p)" onClick={() => void pause(running)}>
            <Icon name="pause" /> Pause{running.length > 0 ? ` ${running.length}` : ''}
          </Button>
          <Button disabled={resumable.length === 0} title="Resume (s)" onClick={() => void resume(resumable)}>
            <Icon name="play" /> Resume{resumable.length > 0 ? ` ${resumable.length}` : ''}
          </Button>
          <Button
            kind="danger"
            title="Delete (#)"
            onClick={() => {
              deleteLater(marked.map(({ id }) => id));
              clearSelection();
            }}
          >
            <Icon name="trash" /> Delete
          </Button>
        </>
      )}
      <Button kind="quiet" square aria-label="Mark none" title="Mark none (Esc)" onClick={clearSelection}>
        <Icon name="close" />
      </Button>
    </div>
  );
}
