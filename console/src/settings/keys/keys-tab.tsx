import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Icon } from '../../ui/icon.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { Age, exactTime } from '../../ui/time.js';
import { showToast } from '../../ui/toast.js';
import { ConfirmDialog } from '../../ui/confirm-dialog.js';
import { NewKeyDialog } from './new-key-dialog.js';
import { limitTexts, SCOPE_TEXTS } from './key-texts.js';

type Key = Schemas['ApiKey'];

/** The named keys: who may use the server, and for what. */
export function KeysTab() {
  const { data, error, reload } = useFetched((signal) => call(api.GET('/api/keys', { signal })));
  const isAdding = useSignal(false);
  const revoked = useSignal<Key | undefined>(undefined);
  const add = (): void => void (isAdding.value = true);
  if (data === undefined)
    return <NotFetched title="The keys could not be read" error={error} reload={reload} />;
  return (
    <div class="page-body settings-list">
      {data.keys.length === 0 ? (
        <EmptyState title="No named key yet">
          <p>
            A named key lets a program or a person use the server with fewer rights than the session key: only
            look, only work with its own conversations, only for a while, only for so much money. It can be
            revoked alone.
          </p>
          <Button kind="primary" onClick={add}>
            Make a key
          </Button>
        </EmptyState>
      ) : (
        <>
          <div class="list-head">
            <p class="soft">
              Beside the session key, which may do everything. What they did is in the{' '}
              <a href="server/audit">audit log</a>.
            </p>
            <Button kind="primary" onClick={add}>
              <Icon name="plus" /> Make a key
            </Button>
          </div>
          <ul class="card entries" aria-label="Keys">
            {data.keys.map((key) => (
              <KeyRow key={key.id} of={key} onRevoke={() => (revoked.value = key)} />
            ))}
          </ul>
        </>
      )}
      {isAdding.value && (
        <NewKeyDialog
          onClose={(changed) => {
            isAdding.value = false;
            if (changed) reload();
          }}
        />
      )}
      {revoked.value !== undefined && (
        <ConfirmDialog
          title={`Revoke the key ${revoked.value.name}`}
          action="Revoke"
          onConfirm={async () => {
            const { id = '', name = '' } = revoked.value ?? {};
            await call(api.DELETE('/api/keys/{key}', { params: { path: { key: id } } }));
            showToast(`The key ${name} was revoked.`);
            reload();
          }}
          onClose={() => (revoked.value = undefined)}
        >
          Whoever uses it is refused at once, and its sockets are closed. Its conversations stay. This cannot
          be undone.
        </ConfirmDialog>
      )}
    </div>
  );
}

function KeyRow({ of: key, onRevoke }: { of: Key; onRevoke: () => void }) {
  const { name, scope, reach, limits, last_used_at: used, expires_at: ends } = key;
  const isExpired = ends !== null && Date.parse(ends) <= Date.now();
  return (
    <li>
      <div class="entry-main">
        <h2>
          {visible(name)}
          {isExpired && <Badge tone="bad">expired</Badge>}
        </h2>
        <p class="soft">
          {SCOPE_TEXTS[scope]}, {reach === 'own' ? 'its own conversations' : 'all conversations'}
          {limitTexts(limits).map((text) => `, ${text}`)}
        </p>
        <p class="fainter">
          <span title={exactTime(key.created_at)}>
            Made <Age at={key.created_at} />
          </span>
          {' · '}
          {used === null ? (
            'never used'
          ) : (
            <>
              last used <Age at={used} />
            </>
          )}
          {ends !== null && ` · ${isExpired ? 'ended' : 'ends'} ${exactTime(ends)}`}
          {' · '}
          <a href={`server/audit?key=${key.id}`}>what it did</a>
        </p>
      </div>
      <div class="entry-actions">
        <Button kind="danger" aria-label={`Revoke ${name}`} onClick={onRevoke}>
          Revoke
        </Button>
      </div>
    </li>
  );
}
