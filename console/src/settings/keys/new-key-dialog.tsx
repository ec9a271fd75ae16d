import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { Button } from '../../ui/button.js';
import { copyText } from '../../ui/copy-text.js';
import { Dialog } from '../../ui/dialog.js';
import { Field, TextField } from '../../ui/field.js';
import { Icon } from '../../ui/icon.js';
import { NO_PROBLEMS, problemsOf, type FormProblems } from '../../ui/form-problems.js';
import { StoreFoot } from '../../ui/store-foot.js';
import { AgentAddresses } from './agent-addresses.js';
import { endAfter, LIMITS, SCOPE_TEXTS, type LimitName } from './key-texts.js';

type Scope = Schemas['ApiKey']['scope'];

const SCOPES: readonly Scope[] = ['read', 'write', 'admin'];
const ENDS = [
  ['', 'Never'],
  ['1', 'In a day'],
  ['7', 'In a week'],
  ['30', 'In 30 days'],
  ['90', 'In 90 days'],
  ['365', 'In a year'],
] as const;

/** Makes a key, and shows it once. */
export function NewKeyDialog({ onClose }: { onClose: (changed: boolean) => void }) {
  const made = useSignal<Schemas['NewApiKey'] | undefined>(undefined);
  if (made.value !== undefined) return <KeyOnce made={made.value} onClose={() => onClose(true)} />;
  return <KeyForm onMade={(key) => (made.value = key)} onCancel={() => onClose(false)} />;
}

function KeyForm({
  onMade,
  onCancel,
}: {
  onMade: (key: Schemas['NewApiKey']) => void;
  onCancel: () => void;
}) {
  const name = useSignal('');
  const scope = useSignal<Scope>('write');
  const ownOnly = useSignal(false);
  const days = useSignal('90');
  const limits = useSignal<Partial<Record<LimitName, string>>>({});
  const problems = useSignal<FormProblems>(NO_PROBLEMS);
  const isBusy = useSignal(false);
  const save = async (): Promise<void> => {
    isBusy.value = true;
    problems.value = NO_PROBLEMS;
    const body = {
      name: name.value.trim(),
      scope: scope.value,
      reach: ownOnly.value ? ('own' as const) : ('all' as const),
      expires_at: endAfter(days.value, Date.now()),
      limits: limitsIn(limits.value),
    };
    try {
      onMade(await call(api.POST('/api/keys', { body })));
    } catch (error) {
      const paths = ['name', ...LIMITS.map((limit) => `limits.${limit.name}`)];
      problems.value = problemsOf(error, paths, (message) => (/name/i.test(message) ? 'name' : undefined));
      isBusy.value = false;
    }
  };
  const { fields, other } = problems.value;
  return (
    <Dialog title="Make a key" onClose={onCancel}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField
          label="Name"
          help="Who or what uses it. It stands wherever the key acts."
          placeholder="dashboard"
          autofocus
          required
          value={name.value}
          problem={fields['name']}
          onValue={(text) => (name.value = text)}
        />
        <fieldset class="kind-choices">
          <legend>It may</legend>
          {SCOPES.map((each) => (
            <label key={each} class="check">
              <input
                type="radio"
                name="scope"
                checked={scope.value === each}
                onChange={() => (scope.value = each)}
              />
              {SCOPE_TEXTS[each].replace('May ', '')}
            </label>
          ))}
        </fieldset>
        <label class="check">
          <input
            type="checkbox"
            checked={ownOnly.value}
            onChange={(event) => (ownOnly.value = event.currentTarget.checked)}
          />
          <span>
            Only its own conversations
            <span class="field-help"> Others do not exist for it.</span>
          </span>
        </label>
        <Field label="Ends">
          {(attributes) => (
            <select
              {...attributes}
              value={days.value}
              onChange={(event) => (days.value = event.currentTarget.value)}
            >
              {ENDS.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        <details class="more-options">
          <summary>Limits</summary>
          <div class="form two-columns">
            {LIMITS.map((limit) => (
              <TextField
                key={limit.name}
                label={limit.label}
                placeholder="default"
                value={limits.value[limit.name] ?? ''}
                problem={fields[`limits.${limit.name}`]}
                onValue={(text) => (limits.value = { ...limits.value, [limit.name]: text })}
              />
            ))}
          </div>
        </details>
        <StoreFoot problem={other} isBusy={isBusy.value} onCancel={onCancel} action="Make the key" />
      </form>
    </Dialog>
  );
}

/** An empty field is no limit of its own. What is no number is sent as it is, for the server to refuse. */
function limitsIn(texts: Partial<Record<LimitName, string>>): Schemas['ApiKey']['limits'] {
  const given = LIMITS.flatMap(({ name }) => {
    const text = texts[name]?.trim() ?? '';
    return text === '' ? [] : [[name, Number.isFinite(Number(text)) ? Number(text) : text] as const];
  });
  return Object.fromEntries(given);
}

function KeyOnce({ made, onClose }: { made: Schemas['NewApiKey']; onClose: () => void }) {
  return (
    <Dialog title={`The key ${made.name}`}>
      <p>Copy it now: it is shown this once, and cannot be recovered.</p>
      <div class="key-once">
        <code>{made.key}</code>
        <Button onClick={() => void copyText(made.key, 'The key')}>
          <Icon name="copy" /> Copy
        </Button>
      </div>
      <p class="field-help">
        Programs send it as <code>X-Session-API-Key</code> or as a bearer token; the console asks for it.
      </p>
      <AgentAddresses />
      <div class="form-actions">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
}
