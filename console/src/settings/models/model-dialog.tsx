import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, messageOf } from '../../api/api-error.js';
import { api, call } from '../../api/client.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { Field, TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { showToast } from '../../ui/toast.js';
import { MASK } from '../mask.js';
import { NO_PROBLEMS, problemsOf, type FormProblems } from '../../ui/form-problems.js';
import { checkProfile, type CheckResult } from './check-profile.js';

type Llm = Record<string, unknown>;

/** Numbers and choices that the form has besides model, key and address. */
const NUMBERS = [
  ['temperature', 'Temperature', 'Empty: the default of the provider.'],
  ['max_output_tokens', 'Longest answer (tokens)', 'Empty: what the model allows.'],
  ['timeout', 'Timeout (s)', 'Longest time of one request.'],
  ['num_retries', 'Retries', 'After errors that may pass, such as a rate limit.'],
] as const;
const EFFORTS = ['none', 'low', 'medium', 'high', 'xhigh'];
const PATHS = ['llm.model', 'llm.api_key', 'llm.base_url', 'llm.reasoning_effort'].concat(
  NUMBERS.map(([name]) => `llm.${name}`),
);

/** Adds a model or changes one. @param name null for a new one */
export function ModelDialog({
  name,
  taken,
  onClose,
}: {
  name: string | null;
  taken: readonly string[];
  onClose: (changed: boolean) => void;
}) {
  const stored = useSignal<Llm | undefined>(name === null ? {} : undefined);
  const hasKey = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    if (name === null) return;
    call(api.GET('/api/profiles/{name}', { params: { path: { name } } })).then(
      ({ config, api_key_set }) => {
        stored.value = config;
        hasKey.value = api_key_set === true;
      },
      (error: unknown) => {
        problem.value = messageOf(error);
      },
    );
  }, [name]);
  return (
    <Dialog title={name === null ? 'Add a model' : `Model ${name}`} onClose={() => onClose(false)}>
      {problem.value !== undefined && <p class="field-problem">{problem.value}</p>}
      {stored.value === undefined && problem.value === undefined && <Loading />}
      {stored.value !== undefined && (
        <ModelForm name={name} stored={stored.value} hasKey={hasKey.value} taken={taken} onClose={onClose} />
      )}
    </Dialog>
  );
}

function ModelForm({
  name,
  stored,
  hasKey,
  taken,
  onClose,
}: {
  name: string | null;
  stored: Llm;
  hasKey: boolean;
  taken: readonly string[];
  onClose: (changed: boolean) => void;
}) {
  const fields = useSignal<Readonly<Record<string, string>>>(textsOf(stored));
  const title = useSignal(name ?? '');
  const key = useSignal('');
  const problems = useSignal<FormProblems>(NO_PROBLEMS);
  const check = useSignal<CheckResult | undefined>(undefined);
  const busy = useSignal<'check' | 'save' | undefined>(undefined);
  const models = useModelNames();
  const value = (field: string): string => fields.value[field] ?? '';
  const set = (field: string, text: string): void => {
    fields.value = { ...fields.value, [field]: text };
    check.value = undefined;
  };
  const llm = useComputed(() => llmOf(stored, fields.value, key.value));
  const problemOf = (path: string): string | undefined =>
    problems.value.fields[path] ??
    (check.value?.isValid === false ? checkProblems(check.value)[path] : undefined);

  const tryOut = async (): Promise<void> => {
    busy.value = 'check';
    problems.value = NO_PROBLEMS;
    check.value = undefined;
    check.value = await checkProfile(name ?? 'draft', llm.value);
    busy.value = undefined;
  };
  const save = async (): Promise<void> => {
    const chosen = title.value.trim() || suggestedName(value('model'));
    if (name === null && taken.includes(chosen)) {
      problems.value = { fields: { name: `There is a model with the name ${chosen}.` }, other: undefined };
      return;
    }
    busy.value = 'save';
    problems.value = NO_PROBLEMS;
    try {
      await call(
        api.POST('/api/profiles/{name}', {
          params: { path: { name: chosen } },
          body: { llm: llm.value },
        }),
      );
      showToast(`The model ${chosen} was stored.`);
      onClose(true);
    } catch (error) {
      problems.value = problemsOf(error, [...PATHS, 'name'], (message) =>
        /name/i.test(message) && error instanceof ApiError && error.status < 500 ? 'name' : undefined,
      );
      busy.value = undefined;
    }
  };
  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (value('model').trim() === '')
          problems.value = { fields: { 'llm.model': 'Which model is it?' }, other: undefined };
        else void save();
      }}
    >
      <TextField
        label="Model"
        help="As provider/model. Other models than those proposed can be used, too."
        placeholder="anthropic/claude-sonnet-5"
        proposals="model-names"
        autofocus={name === null}
        value={value('model')}
        problem={problemOf('llm.model')}
        onValue={(text) => set('model', text)}
      />
      <datalist id="model-names">
        {models.map((model) => (
          <option key={model} value={model} />
        ))}
      </datalist>
      {name === null && (
        <TextField
          label="Name"
          help="Under which people choose it: letters, digits, dots, underscores and hyphens."
          placeholder={suggestedName(value('model'))}
          value={title.value}
          problem={problemOf('name')}
          onValue={(text) => (title.value = text)}
        />
      )}
      <TextField
        label="Key"
        isSecret
        help={
          hasKey
            ? 'A key is stored. Leave this empty to keep it.'
            : 'The key of the provider. scripted/ models need none.'
        }
        value={key.value}
        problem={problemOf('llm.api_key')}
        onValue={(text) => {
          key.value = text;
          check.value = undefined;
        }}
      />
      <TextField
        label="Base URL"
        help="Only for another address than that of the provider, such as a proxy or a local server."
        placeholder="https://llm.example.com/v1"
        value={value('base_url')}
        problem={problemOf('llm.base_url')}
        onValue={(text) => set('base_url', text)}
      />
      <details class="more-options">
        <summary>More options</summary>
        <div class="form two-columns">
          <Field label="Reasoning effort" problem={problemOf('llm.reasoning_effort')}>
            {(attributes) => (
              <select
                {...attributes}
                value={value('reasoning_effort')}
                onChange={(event) => set('reasoning_effort', event.currentTarget.value)}
              >
                <option value="">Default of the model</option>
                {EFFORTS.map((effort) => (
                  <option key={effort} value={effort}>
                    {effort}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {NUMBERS.map(([field, label, help]) => (
            <TextField
              key={field}
              label={label}
              help={help}
              value={value(field)}
              problem={problemOf(`llm.${field}`)}
              onValue={(text) => set(field, text)}
            />
          ))}
        </div>
      </details>
      <FormAnswer problems={problems.value} check={check.value} />
      <div class="form-actions">
        <Button onClick={() => onClose(false)}>Cancel</Button>
        <Button
          busy={busy.value === 'check'}
          disabled={busy.value !== undefined}
          onClick={() => void tryOut()}
        >
          {busy.value === 'check' ? 'Checking' : 'Check'}
        </Button>
        <Button kind="primary" type="submit" busy={busy.value === 'save'}>
          Store
        </Button>
      </div>
    </form>
  );
}

/** What belongs to no field, and that a check has succeeded. */
function FormAnswer({ problems, check }: { problems: FormProblems; check: CheckResult | undefined }) {
  const failed = check?.isValid === false && Object.keys(checkProblems(check)).length === 0;
  return (
    <div aria-live="polite">
      {problems.other !== undefined && <p class="field-problem">{problems.other}</p>}
      {failed && <p class="field-problem">{check.text}</p>}
      {check?.isValid === true && <p class="is-good">The model answered.</p>}
    </div>
  );
}

/** The field that a failed check is about. */
function checkProblems({ type, text }: CheckResult): Record<string, string> {
  if (/auth|permission|api.?key/i.test(type)) return { 'llm.api_key': text };
  if (/connection|unreachable|serviceunavailable/i.test(type)) return { 'llm.base_url': text };
  return /notfound|unknownmodel/i.test(type) || /\bmodel\b/i.test(text) ? { 'llm.model': text } : {};
}

/** Names of models to choose from: the scripted one, then the verified ones. */
function useModelNames(): readonly string[] {
  const names = useSignal<readonly string[]>(['scripted/demo']);
  useEffect(() => {
    call(api.GET('/api/llm/models/verified')).then(
      ({ models }) => {
        names.value = [
          'scripted/demo',
          ...Object.entries(models).flatMap(([provider, list]) =>
            list.map((model) => `${provider}/${model}`),
          ),
        ];
      },
      () => undefined,
    );
  }, []);
  return names.value;
}

function textsOf(stored: Llm): Record<string, string> {
  const names = ['model', 'base_url', 'reasoning_effort', ...NUMBERS.map(([name]) => name)];
  return Object.fromEntries(
    names.map((name) => {
      const value = stored[name];
      return [name, typeof value === 'string' || typeof value === 'number' ? String(value) : ''];
    }),
  );
}

/** Secrets of a profile. Answers do not contain them; in requests a mask stands for the stored value. */
const SECRETS = ['api_key', 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'];

/** The stored options with those of the form. Options that the form does not have are kept. */
function llmOf(stored: Llm, fields: Readonly<Record<string, string>>, key: string): Llm {
  const text = (name: string): string | null => {
    const trimmed = fields[name]?.trim() ?? '';
    return trimmed === '' ? null : trimmed;
  };
  const llm: Llm = { ...stored, model: text('model') ?? '', base_url: text('base_url') };
  if (Object.keys(stored).length > 0) for (const name of SECRETS) llm[name] ??= MASK;
  if (key !== '') llm['api_key'] = key;
  const before = textsOf(stored);
  for (const name of ['reasoning_effort', ...NUMBERS.map(([number]) => number)]) {
    if (fields[name] === before[name]) continue;
    const value = text(name);
    // An empty field is the default. What is no number is sent as it is, for the server to refuse.
    if (value === null) Reflect.deleteProperty(llm, name);
    else llm[name] = name === 'reasoning_effort' || Number.isNaN(Number(value)) ? value : Number(value);
  }
  return llm;
}

/** A name from that of the model: what follows the provider. */
function suggestedName(model: string): string {
  return (
    (model.split('/').at(-1) ?? '')
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 60) || 'my-model'
  );
}
