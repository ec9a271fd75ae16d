import { Icon } from '../../ui/icon.js';
import { oneLine } from '../../ui/safe-text.js';
import { listAt, recordAt, textAt } from '../stream/wire-event.js';
import type { CallItem } from '../stream/stream-items.js';

const MAX_TASKS = 100;
const LABELS: Readonly<Record<string, string>> = { done: 'done', in_progress: 'in progress', todo: 'to do' };

/** The list of tasks that an agent keeps. */
export function TaskList({ item }: { item: CallItem }) {
  const seen = listAt(recordAt(item.result, 'observation'), 'task_list');
  const tasks = seen.length > 0 ? seen : listAt(recordAt(item.action, 'action'), 'task_list');
  if (tasks.length === 0) return <p class="note">The list is empty.</p>;
  return (
    <>
      <ul class="tasks">
        {tasks.slice(0, MAX_TASKS).map((task, index) => {
          const status = textAt(task, 'status');
          const notes = textAt(task, 'notes');
          return (
            <li key={index} class={`task ${status}`}>
              <span
                class={`box ${status === 'done' ? 'checked' : status}`}
                role="img"
                aria-label={LABELS[status] ?? status}
              >
                {status === 'done' && <Icon name="check" />}
              </span>
              <span class="task-title">{oneLine(textAt(task, 'title'), 300)}</span>
              {notes !== '' && <span class="note">{oneLine(notes, 300)}</span>}
            </li>
          );
        })}
      </ul>
      {tasks.length > MAX_TASKS && (
        <p class="note">{tasks.length - MAX_TASKS} further tasks are not shown.</p>
      )}
    </>
  );
}
