import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { messageOf } from '../../api/api-error.js';
import { useFetched } from '../../api/use-fetched.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Icon } from '../../ui/icon.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { showToast } from '../../ui/toast.js';
import { ConfirmDialog } from '../../ui/confirm-dialog.js';
import { checkProfile, type CheckResult } from './check-profile.js';
import { ModelDialog } from './model-dialog.js';

type Profile = Schemas['ProfileInfo'];

/** The LLM profiles: models with their keys and options. */
export function ModelsTab() {
  const { data, error, reload } = useFetched((signal) => call(api.GET('/api/profiles', { signal })));
  const edited = useSignal<string | null | undefined>(undefined);
  const removed = useSignal<string | undefined>(undefined);
  const add = (): void => void (edited.value = null);
  if (data === undefined)
    return <NotFetched title="The models could not be read" error={error} reload={reload} />;
  const { profiles, active_profile: active } = data;
  return (
    <div class="page-body settings-list">
      {profiles.length === 0 ? (
        <EmptyState title="No model yet">
          <p>
            A model has a name, such as <code>anthropic/claude-sonnet-5</code>, and a key of its provider.
            Without a key you can try the server with the scripted model <code>scripted/demo</code>, which
            needs none.
          </p>
          <Button kind="primary" onClick={add}>
            Add a model
          </Button>
        </EmptyState>
      ) : (
        <>
          <div class="list-head">
            <p class="soft">
              Conversations can be started with each of these. The active one is the default of clients.
            </p>
            <Button kind="primary" onClick={add}>
              <Icon name="plus" /> Add a model
            </Button>
          </div>
          <ul class="card entries" aria-label="Models">
            {profiles.map((profile) => (
              <ModelRow
                key={profile.name}
                profile={profile}
                isActive={profile.name === active}
                onChanged={reload}
                onEdit={() => (edited.value = profile.name)}
                onRemove={() => (removed.value = profile.name)}
              />
            ))}
          </ul>
        </>
      )}
      {edited.value !== undefined && (
        <ModelDialog
          name={edited.value}
          taken={profiles.map(({ name }) => name)}
          onClose={(changed) => {
            edited.value = undefined;
            if (changed) reload();
          }}
        />
      )}
      {removed.value !== undefined && (
        <ConfirmDialog
          title={`Delete the model ${removed.value}`}
          action="Delete"
          onConfirm={async () => {
            await call(
              api.DELETE('/api/profiles/{name}', { params: { path: { name: removed.value ?? '' } } }),
            );
            showToast(`The model ${removed.value} was deleted.`);
            reload();
          }}
          onClose={() => (removed.value = undefined)}
        >
          Its key is deleted with it. Conversations that were started with it keep their model.
        </ConfirmDialog>
      )}
    </div>
  );
}

function ModelRow({
  profile,
  isActive,
  onChanged,
  onEdit,
  onRemove,
}: {
  profile: Profile;
  isActive: boolean;
  onChanged: () => void;
  onEdit: () => void;
  onRemove: () => void;
}) {
  const { name, model, base_url: url } = profile;
  const isBusy = useSignal(false);
  const result = useSignal<CheckResult | undefined>(undefined);
  const check = async (): Promise<void> => {
    isBusy.value = true;
    result.value = undefined;
    result.value = await checkProfile(name);
    isBusy.value = false;
  };
  const activate = async (): Promise<void> => {
    try {
      await call(api.POST('/api/profiles/{name}/activate', { params: { path: { name } } }));
      onChanged();
    } catch (error) {
      showToast(messageOf(error), { kind: 'error' });
    }
  };
  return (
    <li>
      <div class="entry-main">
        <h2>
          {visible(name)}
          {isActive && <Badge tone="good">active</Badge>}
        </h2>
        <p class="soft mono">
          {typeof model === 'string' ? visible(model) : 'its file cannot be read'}
          {typeof url === 'string' && ` at ${visible(url)}`}
        </p>
        <p class="soft">{keyText(profile)}</p>
        {result.value !== undefined && (
          <p class={result.value.isValid ? 'is-good' : 'field-problem'} role="status">
            {result.value.isValid ? 'The model answered.' : visible(result.value.text)}
          </p>
        )}
      </div>
      <div class="entry-actions">
        {!isActive && <Button onClick={() => void activate()}>Activate</Button>}
        <Button busy={isBusy.value} onClick={() => void check()}>
          {isBusy.value ? 'Checking' : 'Check'}
        </Button>
        <Button onClick={onEdit} aria-label={`Edit ${name}`}>
          Edit
        </Button>
        <Button kind="danger" square aria-label={`Delete ${name}`} onClick={onRemove}>
          <Icon name="trash" />
        </Button>
      </div>
    </li>
  );
}

function keyText({
  api_key_set,
  provider_connection_id,
  provider_connection_broken,
  model,
}: Profile): string {
  if (provider_connection_broken === true) return 'its provider connection does not exist';
  if (api_key_set === true)
    return typeof provider_connection_id === 'string'
      ? 'with the key of a provider connection'
      : 'with a key';
  return model?.startsWith('scripted/') === true ? 'needs no key' : 'without a key';
}
