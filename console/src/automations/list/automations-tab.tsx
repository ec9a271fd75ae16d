import { useSignal } from '@preact/signals';
import { mayWrite } from '../../api/current-key.js';
import { useFetched } from '../../api/use-fetched.js';
import { navigate } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Icon } from '../../ui/icon.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { useCommands } from '../../ui/shortcuts.js';
import { listAutomations } from '../automation-requests.js';
import { AutomationDialog } from '../form/automation-dialog.js';
import { AutomationRow } from './automation-row.js';

const PAGE = 50;
const POLL_MS = 15_000;

/** All automations: what is due next, and how the last run went. */
export function AutomationsTab() {
  const limit = useSignal(PAGE);
  const { data, error, reload } = useFetched((signal) => listAutomations(limit.value, signal), {
    subject: String(limit.value),
    everyMs: POLL_MS,
  });
  const isAdding = useSignal(false);
  const add = (): void => void (isAdding.value = true);
  useCommands(mayWrite() ? [{ keys: 'n', label: 'New automation', group: 'Automations', run: add }] : []);
  if (data === undefined)
    return <NotFetched title="The automations could not be read" error={error} reload={reload} />;
  const { automations, total } = data;
  return (
    <div class="page-body automations">
      {total === 0 ? (
        <EmptyState title="No automation yet">
          <p>
            An automation starts a conversation by itself: at fixed times, when another system sends an event,
            or when other work has ended.
          </p>
          {mayWrite() && (
            <Button kind="primary" onClick={add}>
              New automation
            </Button>
          )}
        </EmptyState>
      ) : (
        <>
          <div class="list-head">
            <p class="soft">
              {total === 1 ? 'One automation' : `${total.toLocaleString()} automations`}, the newest first.
            </p>
            {mayWrite() && (
              <Button kind="primary" title="New automation (n)" onClick={add}>
                <Icon name="plus" /> New automation
              </Button>
            )}
          </div>
          <ul class="card entries" aria-label="Automations">
            {automations.map((automation) => (
              <AutomationRow key={automation.id} of={automation} onChanged={reload} />
            ))}
          </ul>
          {automations.length < total && (
            <Button onClick={() => (limit.value = Math.min(1_000, limit.value + PAGE))}>Show more</Button>
          )}
        </>
      )}
      {isAdding.value && (
        <AutomationDialog
          onClose={(stored) => {
            isAdding.value = false;
            if (stored !== undefined) navigate(`automations/${stored.id}`);
          }}
        />
      )}
    </div>
  );
}
