import { useSignal } from '@preact/signals';
import { messageOf } from '../../api/api-error.js';
import { api, call, type Schemas } from '../../api/client.js';
import { isAdmin } from '../../api/current-key.js';
import { useFetched } from '../../api/use-fetched.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/confirm-dialog.js';
import { copyText } from '../../ui/copy-text.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Icon } from '../../ui/icon.js';
import { Menu } from '../../ui/menu.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { showToast } from '../../ui/toast.js';
import { SecretOnce, WebhookDialog } from './webhook-dialog.js';
import { SCHEME_TEXTS } from './webhook-texts.js';

type Webhook = Schemas['AutomationWebhook'];

/** The sources of events: where other systems send them, and how they sign. */
export function WebhooksTab() {
  const { data, error, reload } = useFetched((signal) =>
    call(api.GET('/api/automation/v1/webhooks', { params: { query: { limit: 200 } }, signal })),
  );
  const isAdding = useSignal(false);
  const add = (): void => void (isAdding.value = true);
  if (data === undefined)
    return <NotFetched title="The webhooks could not be read" error={error} reload={reload} />;
  return (
    <div class="page-body automations">
      {data.webhooks.length === 0 ? (
        <EmptyState title="No webhook yet">
          <p>
            With a webhook GitHub, GitLab, Slack or a program of your own can start automations: it sends
            signed events to an address of this server.
          </p>
          {isAdmin() && (
            <Button kind="primary" onClick={add}>
              Make a webhook
            </Button>
          )}
        </EmptyState>
      ) : (
        <>
          <div class="list-head">
            <p class="soft">Each takes the events of one source. What came in is in the audit log.</p>
            {isAdmin() && (
              <Button kind="primary" onClick={add}>
                <Icon name="plus" /> Make a webhook
              </Button>
            )}
          </div>
          <ul class="card entries" aria-label="Webhooks">
            {data.webhooks.map((webhook) => (
              <WebhookRow key={webhook.id} of={webhook} onChanged={reload} />
            ))}
          </ul>
        </>
      )}
      {isAdding.value && (
        <WebhookDialog
          onClose={(changed) => {
            isAdding.value = false;
            if (changed) reload();
          }}
        />
      )}
    </div>
  );
}

function WebhookRow({ of: webhook, onChanged }: { of: Webhook; onChanged: () => void }) {
  const { id, name, source, webhook_url: url, signature_scheme: scheme, enabled } = webhook;
  const shows = useSignal<'rotate' | 'delete' | undefined>(undefined);
  const secret = useSignal<string | undefined>(undefined);
  const params = { path: { webhook_id: id } };
  const setEnabled = async (isOn: boolean): Promise<void> => {
    try {
      await call(api.PATCH('/api/automation/v1/webhooks/{webhook_id}', { params, body: { enabled: isOn } }));
    } catch (error) {
      showToast(messageOf(error), { kind: 'error' });
    }
    onChanged();
  };
  return (
    <li>
      <div class="entry-main">
        <h2>
          {visible(name)}
          {!enabled && <Badge tone="neutral">off</Badge>}
        </h2>
        <p class="soft">
          <code>{source}</code>, {SCHEME_TEXTS[scheme]}
        </p>
        <p class="fainter">{url}</p>
      </div>
      <div class="entry-actions">
        <Button aria-label={`Copy the address of ${name}`} onClick={() => void copyText(url, 'The address')}>
          <Icon name="copy" /> Copy the address
        </Button>
        {isAdmin() && (
          <Menu
            label={`More actions for ${name}`}
            items={[
              {
                label: enabled ? 'Switch off' : 'Switch on',
                icon: enabled ? 'pause' : 'play',
                run: () => void setEnabled(!enabled),
              },
              { label: 'Make a new secret', icon: 'key', run: () => void (shows.value = 'rotate') },
              {
                label: 'Delete',
                icon: 'trash',
                isDanger: true,
                startsGroup: true,
                run: () => void (shows.value = 'delete'),
              },
            ]}
          >
            <Icon name="more" />
          </Menu>
        )}
      </div>
      {shows.value === 'rotate' && (
        <ConfirmDialog
          title={`Make a new secret for ${name}`}
          action="Make a new secret"
          onConfirm={async () => {
            const path = '/api/automation/v1/webhooks/{webhook_id}/rotate-secret';
            secret.value = (await call(api.POST(path, { params }))).webhook_secret;
          }}
          onClose={() => (shows.value = undefined)}
        >
          What is signed with the old one is refused at once.
        </ConfirmDialog>
      )}
      {shows.value === 'delete' && (
        <ConfirmDialog
          title={`Delete the webhook ${name}`}
          action="Delete"
          onConfirm={async () => {
            await call(api.DELETE('/api/automation/v1/webhooks/{webhook_id}', { params }));
            showToast(`The webhook ${name} was deleted.`);
            onChanged();
          }}
          onClose={() => (shows.value = undefined)}
        >
          Its events are refused, so automations that wait for them are not started any more.
        </ConfirmDialog>
      )}
      {shows.value === undefined && secret.value !== undefined && (
        <SecretOnce url={url} secret={secret.value} onClose={() => (secret.value = undefined)} />
      )}
    </li>
  );
}
