import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Field, TextField } from '../../ui/field.js';
import { Icon } from '../../ui/icon.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { visible } from '../../ui/safe-text.js';
import { showToast } from '../../ui/toast.js';
import { ConfirmDialog } from '../../ui/confirm-dialog.js';
import { NO_PROBLEMS, problemsOf, type FormProblems } from '../../ui/form-problems.js';
import { StoreFoot } from '../../ui/store-foot.js';

type Secret = Schemas['SecretItemResponse'];

/** The secrets of new conversations, without their values. */
export function SecretsTab() {
  const { data, error, reload } = useFetched((signal) => call(api.GET('/api/settings/secrets', { signal })));
  const edited = useSignal<Secret | null | undefined>(undefined);
  const removed = useSignal<string | undefined>(undefined);
  const add = (): void => void (edited.value = null);
  if (data === undefined)
    return <NotFetched title="The secrets could not be read" error={error} reload={reload} />;
  const { secrets } = data;
  return (
    <div class="page-body settings-list">
      {secrets.length === 0 ? (
        <EmptyState title="No secret yet">
          <p>
            A secret becomes an environment variable in the commands of agents, such as{' '}
            <code>GITHUB_TOKEN</code>. It is masked in everything that an agent prints.
          </p>
          <Button kind="primary" onClick={add}>
            Add a secret
          </Button>
        </EmptyState>
      ) : (
        <>
          <div class="list-head">
            <p class="soft">Environment variables of commands. Their values are never shown again.</p>
            <Button kind="primary" onClick={add}>
              <Icon name="plus" /> Add a secret
            </Button>
          </div>
          <ul class="card entries" aria-label="Secrets">
            {secrets.map((secret) => (
              <li key={secret.name}>
                <div class="entry-main">
                  <h2 class="mono">{visible(secret.name)}</h2>
                  <p class="soft">{visible(secret.description ?? '') || 'No description'}</p>
                </div>
                <div class="entry-actions">
                  <Button aria-label={`Replace ${secret.name}`} onClick={() => (edited.value = secret)}>
                    Replace
                  </Button>
                  <Button
                    kind="danger"
                    square
                    aria-label={`Delete ${secret.name}`}
                    onClick={() => (removed.value = secret.name)}
                  >
                    <Icon name="trash" />
                  </Button>
                </div>
              </li>
            ))}
          </ul>
        </>
      )}
      {edited.value !== undefined && (
        <SecretDialog
          secret={edited.value}
          onClose={(changed) => {
            edited.value = undefined;
            if (changed) reload();
          }}
        />
      )}
      {removed.value !== undefined && (
        <ConfirmDialog
          title={`Delete the secret ${removed.value}`}
          action="Delete"
          onConfirm={async () => {
            const name = removed.value ?? '';
            await call(api.DELETE('/api/settings/secrets/{name}', { params: { path: { name } } }));
            showToast(`The secret ${name} was deleted.`);
            reload();
          }}
          onClose={() => (removed.value = undefined)}
        >
          Commands of agents no longer find it.
        </ConfirmDialog>
      )}
    </div>
  );
}

function SecretDialog({ secret, onClose }: { secret: Secret | null; onClose: (changed: boolean) => void }) {
  const name = useSignal(secret?.name ?? '');
  const value = useSignal('');
  const description = useSignal(secret?.description ?? '');
  const problems = useSignal<FormProblems>(NO_PROBLEMS);
  const isBusy = useSignal(false);
  const save = async (): Promise<void> => {
    isBusy.value = true;
    problems.value = NO_PROBLEMS;
    try {
      await call(
        api.PUT('/api/settings/secrets', {
          body: {
            name: name.value.trim(),
            value: value.value,
            description: description.value.trim() || null,
          },
        }),
      );
      showToast(`The secret ${name.value.trim()} was stored.`);
      onClose(true);
    } catch (error) {
      problems.value = problemsOf(error, ['name', 'value', 'description'], (message) =>
        /name/i.test(message) ? 'name' : undefined,
      );
      isBusy.value = false;
    }
  };
  const { fields, other } = problems.value;
  return (
    <Dialog
      title={secret === null ? 'Add a secret' : `Replace the secret ${secret.name}`}
      onClose={() => onClose(false)}
    >
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {secret === null && (
          <TextField
            label="Name"
            help="That of the environment variable: a letter, then letters, digits and underscores."
            placeholder="GITHUB_TOKEN"
            autofocus
            required
            value={name.value}
            problem={fields['name']}
            onValue={(text) => (name.value = text)}
          />
        )}
        <Field
          label="Value"
          help="It is stored encrypted if the server has a secret key, and never shown again."
          problem={fields['value']}
        >
          {(attributes) => (
            <textarea
              {...attributes}
              class="masked"
              rows={2}
              required
              autocomplete="off"
              spellcheck={false}
              autofocus={secret !== null}
              value={value.value}
              onInput={(event) => (value.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <TextField
          label="Description"
          help="What it is for. Agents read it."
          value={description.value}
          problem={fields['description']}
          onValue={(text) => (description.value = text)}
        />
        <StoreFoot problem={other} isBusy={isBusy.value} onCancel={() => onClose(false)} />
      </form>
    </Dialog>
  );
}
