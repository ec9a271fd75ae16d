import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { Button } from '../../ui/button.js';
import { copyText } from '../../ui/copy-text.js';
import { Dialog } from '../../ui/dialog.js';
import { Field, TextField } from '../../ui/field.js';
import { NO_PROBLEMS, problemsOf, type FormProblems } from '../../ui/form-problems.js';
import { Icon } from '../../ui/icon.js';
import { StoreFoot } from '../../ui/store-foot.js';
import { SCHEME_TEXTS, type Scheme } from './webhook-texts.js';

type NewWebhook = Schemas['NewAutomationWebhook'];

const SCHEMES = Object.keys(SCHEME_TEXTS) as Scheme[];
/** Senders whose kinds of events the server knows. */
const KNOWN_KEYS: readonly Scheme[] = ['github', 'gitlab'];

/** Makes a webhook, and shows its address and its secret once. */
export function WebhookDialog({ onClose }: { onClose: (changed: boolean) => void }) {
  const made = useSignal<NewWebhook | undefined>(undefined);
  if (made.value !== undefined) {
    const { webhook_url: url, webhook_secret: secret } = made.value;
    return <SecretOnce url={url} secret={secret} onClose={() => onClose(true)} />;
  }
  return <WebhookForm onMade={(webhook) => (made.value = webhook)} onCancel={() => onClose(false)} />;
}

function WebhookForm({ onMade, onCancel }: { onMade: (made: NewWebhook) => void; onCancel: () => void }) {
  const scheme = useSignal<Scheme>('github');
  const texts = useSignal({
    name: '',
    source: '',
    secret: '',
    key: 'type',
    header: 'X-Signature-256',
    id: '',
  });
  const problems = useSignal<FormProblems>(NO_PROBLEMS);
  const isBusy = useSignal(false);
  const { name, source, secret, key, header, id } = texts.value;
  const set = (changes: Partial<typeof texts.value>) => (texts.value = { ...texts.peek(), ...changes });
  const save = async (): Promise<void> => {
    isBusy.value = true;
    problems.value = NO_PROBLEMS;
    const body = {
      name: name.trim() === '' ? source.trim() : name.trim(),
      source: source.trim(),
      signature_scheme: scheme.value,
      event_key_expr: key.trim(),
      signature_header: header.trim(),
      event_id_header: id.trim() === '' ? null : id.trim(),
      webhook_secret: secret === '' ? null : secret,
    };
    try {
      onMade(await call(api.POST('/api/automation/v1/webhooks', { body })));
    } catch (error) {
      const paths = [
        'name',
        'source',
        'webhook_secret',
        'event_key_expr',
        'signature_header',
        'event_id_header',
      ];
      problems.value = problemsOf(error, paths, (message) =>
        /source/i.test(message) ? 'source' : undefined,
      );
      isBusy.value = false;
    }
  };
  const { fields, other } = problems.value;
  return (
    <Dialog title="Make a webhook" onClose={onCancel}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field label="Events come from">
          {(attributes) => (
            <select
              {...attributes}
              value={scheme.value}
              onChange={(event) => (scheme.value = event.currentTarget.value as Scheme)}
            >
              {SCHEMES.map((each) => (
                <option key={each} value={each}>
                  {FROM[each]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label="Source"
          help="Its name in triggers and in the address: small letters, digits, hyphens."
          placeholder={KNOWN_KEYS.includes(scheme.value) ? scheme.value : 'builds'}
          autofocus
          required
          value={source}
          problem={fields['source']}
          onValue={(text) => set({ source: text })}
        />
        <TextField
          label="Name (optional)"
          value={name}
          problem={fields['name']}
          onValue={(text) => set({ name: text })}
        />
        <TextField
          label="Secret (optional)"
          isSecret
          help="The one that the sender signs with, if it gives you one, such as Slack. Otherwise the server makes one."
          value={secret}
          problem={fields['webhook_secret']}
          onValue={(text) => set({ secret: text })}
        />
        {!KNOWN_KEYS.includes(scheme.value) && (
          <TextField
            label="Kind of an event"
            help="JMESPath over the payload, such as type or event.type."
            required
            value={key}
            problem={fields['event_key_expr']}
            onValue={(text) => set({ key: text })}
          />
        )}
        {scheme.value === 'hmac_sha256_hex' && (
          <div class="form two-columns">
            <TextField
              label="Header with the signature"
              required
              value={header}
              problem={fields['signature_header']}
              onValue={(text) => set({ header: text })}
            />
            <TextField
              label="Header with the id (optional)"
              help="Redeliveries with the same id start nothing."
              value={id}
              problem={fields['event_id_header']}
              onValue={(text) => set({ id: text })}
            />
          </div>
        )}
        <StoreFoot problem={other} isBusy={isBusy.value} onCancel={onCancel} action="Make the webhook" />
      </form>
    </Dialog>
  );
}

const FROM: Readonly<Record<Scheme, string>> = {
  github: 'GitHub',
  gitlab: 'GitLab',
  slack_v0: 'Slack',
  standard_webhooks: 'A sender of Standard Webhooks',
  hmac_sha256_hex: 'Another program (HMAC-SHA256)',
};

/** The address and the secret for the sender. */
export function SecretOnce({
  url,
  secret,
  onClose,
}: {
  url: string;
  /** Null: the sender has it already. */
  secret: string | null;
  onClose: () => void;
}) {
  return (
    <Dialog title="Give this to the sender" onClose={onClose}>
      <p>The address, with the content type application/json:</p>
      <OnceText text={url} what="The address" />
      {secret !== null && (
        <>
          <p>The secret. Copy it now: it is shown this once, and cannot be recovered.</p>
          <OnceText text={secret} what="The secret" />
        </>
      )}
      <div class="form-actions">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
}

function OnceText({ text, what }: { text: string; what: string }) {
  return (
    <div class="key-once">
      <code>{text}</code>
      <Button aria-label={`Copy ${what.toLowerCase()}`} onClick={() => void copyText(text, what)}>
        <Icon name="copy" /> Copy
      </Button>
    </div>
  );
}
