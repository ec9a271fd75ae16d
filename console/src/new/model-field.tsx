import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, call, type Schemas } from '../api/client.js';
import { Combobox, type Option } from '../ui/combobox.js';
import { Field } from '../ui/field.js';
import { compact } from '../ui/numbers.js';
import { useQuery } from '../api/use-query.js';
import { change, chooseModel, draft, isScripted, SCRIPTED } from './draft.js';
import type { Problems } from './start-request.js';

const PAUSE_MS = 150;
const PROFILE = 'profile:';

/** The stored models and agents of the server. */
export interface Stored {
  profiles: readonly Schemas['ProfileInfo'][];
  agents: readonly Schemas['AgentProfileInfo'][];
}

type Found = Awaited<ReturnType<typeof searchModels>>['items'][number];

/** Which model answers: a stored profile, the scripted model, or one by its name with a key. */
export function ModelField({
  stored,
  problems,
}: {
  stored: Stored | undefined;
  problems: Problems['fields'];
}) {
  const { profile, model, apiKey, baseUrl } = draft.value;
  const isTyping = useSignal(false);
  const text = profile ?? model;
  const words = isTyping.value ? text.trim() : '';
  const found = useQuery(`search ${words}`, (_question, signal) => searchModels(words, signal), PAUSE_MS);
  const name = profile === null ? model.trim() : '';
  // While somebody types, the offers are those of the name.
  const byName = useQuery(name === '' || isTyping.value ? null : name, searchModels, PAUSE_MS);
  const known = isTyping.value ? found : byName;
  const options = [
    ...(stored?.profiles ?? []).map(profileOption),
    { value: SCRIPTED, label: SCRIPTED, detail: 'Runs scripts, needs no key', group: 'Without a key' },
    ...(found.data?.items ?? []).map(modelOption),
  ].filter(({ label, detail = '' }) =>
    words
      .toLowerCase()
      .split(/\s+/)
      .every((word) => `${label} ${detail}`.toLowerCase().includes(word)),
  );
  const needsKey = profile === null && model.trim() !== '' && !isScripted.value;
  return (
    <div class="new-group">
      <Field
        id="model"
        label="Model"
        problem={problems.model}
        help={
          profile !== null ? (
            `Profile "${profile}": ${stored?.profiles.find(({ name }) => name === profile)?.model ?? 'unknown'}`
          ) : isScripted.value ? (
            'Carries out the lines of your message. It needs no key and costs nothing.'
          ) : (
            <KnownModel name={name} found={known.data?.items ?? []} isLoading={known.isLoading} />
          )
        }
      >
        {(control) => (
          <Combobox
            id={control.id}
            describedBy={control['aria-describedby']}
            isInvalid={control['aria-invalid']}
            value={text}
            options={options}
            placeholder="Search models, or write provider/model"
            onInput={(typed) => {
              isTyping.value = true;
              chooseModel({ profile: null, model: typed });
            }}
            onChoose={({ value }) => {
              isTyping.value = false;
              if (value.startsWith(PROFILE)) chooseModel({ profile: value.slice(PROFILE.length), model: '' });
              else chooseModel({ profile: null, model: value });
            }}
          />
        )}
      </Field>
      {needsKey && (
        <>
          <Field
            id="apiKey"
            label="API key"
            problem={problems.apiKey}
            help={
              <>
                Sent to the server with this conversation; this browser does not keep it. To use a model
                again, store a profile in the <a href="settings">settings</a>. Leave it empty if the
                environment of the server has one.
              </>
            }
          >
            {(control) => (
              <input
                {...control}
                type="password"
                autocomplete="off"
                spellcheck={false}
                value={apiKey}
                onInput={(event) => change({ apiKey: event.currentTarget.value })}
              />
            )}
          </Field>
          <Field
            id="baseUrl"
            label="Address (optional)"
            problem={problems.baseUrl}
            help="Only for a service of your own, such as http://localhost:11434/v1."
          >
            {(control) => (
              <input
                {...control}
                type="url"
                inputMode="url"
                autocomplete="off"
                placeholder="The address of the provider"
                value={baseUrl}
                onInput={(event) => change({ baseUrl: event.currentTarget.value })}
              />
            )}
          </Field>
        </>
      )}
    </div>
  );
}

/** Chooses a model for the first visit: the only profile, the scripted one where there is none. */
export function useFirstModel(stored: Stored | undefined, active: string | null | undefined): void {
  useEffect(() => {
    if (stored === undefined) return;
    const { profile, model, agentProfile } = draft.peek();
    const names = stored.profiles.map(({ name }) => name);
    if (profile !== null && !names.includes(profile)) change({ profile: null });
    if (agentProfile !== null && !stored.agents.some(({ id }) => id === agentProfile))
      change({ agentProfile: null });
    if ((profile !== null && names.includes(profile)) || model !== '') return;
    const first = names.find((name) => name === active) ?? names[0];
    chooseModel(first === undefined ? { profile: null, model: SCRIPTED } : { profile: first, model: '' });
  }, [stored]);
}

function KnownModel({
  name,
  found,
  isLoading,
}: {
  name: string;
  found: readonly Found[];
  isLoading: boolean;
}) {
  const known = found.find(({ model }) => model === name);
  if (name === '') return <>A stored profile, or a model by its name.</>;
  // The height stays the same meanwhile.
  if (known === undefined && isLoading) return <>Looking it up…</>;
  if (known === undefined) return <>Written as provider/model. Limits and prices are not known here.</>;
  return <>{detailOf(known) || 'Limits and prices are not known.'}</>;
}

function profileOption({ name, model, api_key_set }: Schemas['ProfileInfo']): Option {
  const detail = `${model ?? 'cannot be read'}${api_key_set === true ? '' : ', without a key'}`;
  return { value: `${PROFILE}${name}`, label: name, detail, group: 'Profiles' };
}

function modelOption(found: Found): Option {
  return {
    value: found.model,
    label: found.model,
    detail: detailOf(found),
    group: found.verified ? 'Tried with agents' : 'More models',
  };
}

function detailOf({ context_window, input_price, output_price, vision }: Found): string {
  return [
    context_window === null ? '' : `${compact(context_window)} context`,
    input_price === null || output_price === null
      ? ''
      : `$${input_price} in, $${output_price} out per million tokens`,
    vision ? 'reads images' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function searchModels(text: string, signal: AbortSignal) {
  const query = { text: text.slice(0, 200), limit: 40 };
  return call(api.GET('/api/llm/models/search', { params: { query }, signal }));
}
