import { useSignal } from '@preact/signals';
import { mayWrite } from '../../api/current-key.js';
import { useFetched } from '../../api/use-fetched.js';
import { navigate } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/confirm-dialog.js';
import { Icon } from '../../ui/icon.js';
import { Menu } from '../../ui/menu.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { PageHeader } from '../../ui/page-header.js';
import { useCommands } from '../../ui/shortcuts.js';
import { showToast } from '../../ui/toast.js';
import { deleteAutomation, getAutomation, listRuns } from '../automation-requests.js';
import type { Automation } from '../automation-texts.js';
import { AutomationDialog } from '../form/automation-dialog.js';
import { useSteering } from '../steering.js';
import { AutomationFacts } from './automation-facts.js';
import { RunTable } from './run-table.js';

const PAGE = 20;
const POLL_MS = 5_000;

/** One automation: what it does and when, and its runs. */
export function AutomationPage({ id }: { id: string }) {
  const limit = useSignal(PAGE);
  const automation = useFetched((signal) => getAutomation(id, signal), { subject: id, everyMs: POLL_MS });
  const runs = useFetched((signal) => listRuns(id, limit.value, signal), {
    subject: `${id} ${limit.value}`,
    everyMs: POLL_MS,
  });
  const reload = (): void => {
    automation.reload();
    runs.reload();
  };
  if (automation.data === undefined)
    return (
      <>
        <PageHeader title="Automation" />
        <NotFetched
          title="The automation could not be read"
          error={automation.error}
          reload={automation.reload}
        />
      </>
    );
  return (
    <>
      <AutomationHead automation={automation.data} onChanged={reload} />
      <div class="page-body automations">
        <AutomationFacts of={automation.data} />
        <section aria-labelledby="automation-runs">
          <h2 id="automation-runs">Runs</h2>
          {runs.data === undefined ? (
            <NotFetched title="The runs could not be read" error={runs.error} reload={runs.reload} />
          ) : (
            <RunTable
              page={runs.data}
              automation={automation.data}
              onChanged={reload}
              onMore={() => (limit.value = Math.min(1_000, limit.value + PAGE))}
            />
          )}
        </section>
      </div>
    </>
  );
}

function AutomationHead({ automation, onChanged }: { automation: Automation; onChanged: () => void }) {
  const { id, name, enabled } = automation;
  const shows = useSignal<'edit' | 'delete' | undefined>(undefined);
  const steering = useSteering(automation, onChanged);
  const edit = (): void => void (shows.value = 'edit');
  const ask = (): void => void (shows.value = 'delete');
  useCommands(
    mayWrite()
      ? [
          { keys: 'shift+r', label: 'Run the automation now', group: 'Automation', run: steering.run },
          { keys: 'e', label: 'Edit the automation', group: 'Automation', run: edit },
          {
            label: enabled ? 'Switch the automation off' : 'Switch the automation on',
            group: 'Automation',
            run: () => steering.setEnabled(!enabled),
          },
          { keys: '#', label: 'Delete the automation', group: 'Automation', run: ask },
        ]
      : [],
  );
  return (
    <>
      <PageHeader title={name}>
        {mayWrite() && (
          <>
            <Button kind="primary" busy={steering.isBusy} disabled={!enabled} onClick={steering.run}>
              <Icon name="play" /> Run now
            </Button>
            <Button onClick={edit}>
              <Icon name="edit" /> Edit
            </Button>
            <Menu
              label="More actions"
              items={[
                {
                  label: enabled ? 'Switch off' : 'Switch on',
                  icon: enabled ? 'pause' : 'play',
                  run: () => steering.setEnabled(!enabled),
                },
                { label: 'Delete', icon: 'trash', isDanger: true, startsGroup: true, run: ask },
              ]}
            >
              <Icon name="more" />
            </Menu>
          </>
        )}
      </PageHeader>
      {shows.value === 'edit' && (
        <AutomationDialog
          automation={automation}
          onClose={() => {
            shows.value = undefined;
            onChanged();
          }}
        />
      )}
      {shows.value === 'delete' && (
        <ConfirmDialog
          title={`Delete ${name}`}
          action="Delete"
          onConfirm={async () => {
            await deleteAutomation(id);
            showToast('The automation was deleted.');
            navigate('automations');
          }}
          onClose={() => (shows.value = undefined)}
        >
          It is not started any more, and its history is gone. Conversations of its runs stay; one that is
          active goes on.
        </ConfirmDialog>
      )}
    </>
  );
}
