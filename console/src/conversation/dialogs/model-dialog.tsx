import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, call, type Schemas } from '../../api/client.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { Loading } from '../../ui/loading.js';
import { RequestProblem } from '../../ui/request-problem.js';
import { oneLine, visible } from '../../ui/safe-text.js';
import { useRequest } from '../../ui/use-request.js';
import { modelOf } from '../agent-model.js';
import type { ConversationRequests } from '../conversation-requests.js';
import type { ConversationInfo } from '../live-conversation.js';

/** Most models that are listed at once; typing narrows them. */
const MAX_LISTED = 60;

type Profile = Schemas['ProfileInfo'];
type Choice =
  { kind: 'profile'; name: string } | { kind: 'model'; name: string } | { kind: 'acp'; name: string };

/** Replaces the model of the agent, from the stored profiles or from the catalogue. */
export function ModelDialog({
  info,
  requests,
  onChanged,
  onClose,
}: {
  info: ConversationInfo;
  requests: ConversationRequests;
  onChanged: () => void;
  onClose: () => void;
}) {
  const text = useSignal('');
  const apiKey = useSignal('');
  const baseUrl = useSignal('');
  const choice = useSignal<Choice | undefined>(undefined);
  const offers = useOffers(info);
  const change = useRequest(async ({ kind, name }: Choice) => {
    if (kind === 'profile') await requests.switchProfile(name);
    else if (kind === 'acp') await requests.switchAcpModel(name);
    else await requests.switchLlm(llmFrom(info, name, apiKey.value, baseUrl.value));
    onChanged();
    onClose();
  });
  const words = text.value.toLowerCase().split(/\s+/);
  const matches = (name: string): boolean => words.every((word) => name.toLowerCase().includes(word));
  const profiles = offers.profiles.filter(({ name, model }) => matches(`${name} ${model ?? ''}`));
  const models = offers.models.filter(matches);
  const typed = text.value.trim();
  const isOwnName = /^[\w.-]+\/\S+$/.test(typed) && !models.includes(typed);
  return (
    <Dialog title="Switch the model" onClose={onClose} wide>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (choice.value !== undefined) void change.run(choice.value);
        }}
      >
        <p class="field-help">
          Now <code>{visible(oneLine(modelOf(info), 120)) || 'the default of the agent'}</code>. The new model
          is used from the next call on.
        </p>
        <label class="field">
          <span>Find a profile or a model</span>
          <input
            type="text"
            autofocus
            placeholder="Such as sonnet, gpt or scripted/demo"
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
              choice.value = undefined;
            }}
          />
        </label>
        <RequestProblem problem={offers.problem} />
        {offers.isLoading ? (
          <Loading label="Loading the models" />
        ) : (
          <div class="model-list" role="radiogroup" aria-label="Models">
            {profiles.length > 0 && <h3>Profiles</h3>}
            {profiles.map((profile) => (
              <ChoiceRow
                key={`profile ${profile.name}`}
                label={profile.name}
                note={`${profile.model ?? 'cannot be read'}${needsKey(profile) ? ', no API key' : ''}`}
                isChosen={choice.value?.kind === 'profile' && choice.value.name === profile.name}
                onChoose={() => {
                  choice.value = { kind: 'profile', name: profile.name };
                }}
              />
            ))}
            {isOwnName && offers.kind === 'model' && (
              <ChoiceRow
                label={typed}
                note="as typed"
                isChosen={choice.value?.name === typed}
                onChoose={() => {
                  choice.value = { kind: 'model', name: typed };
                }}
              />
            )}
            {models.length > 0 && <h3>{offers.kind === 'acp' ? 'Models of the agent' : 'Catalogue'}</h3>}
            {models.slice(0, MAX_LISTED).map((name) => (
              <ChoiceRow
                key={name}
                label={name}
                isChosen={choice.value?.kind !== 'profile' && choice.value?.name === name}
                onChoose={() => {
                  choice.value = { kind: offers.kind, name };
                }}
              />
            ))}
            {models.length > MAX_LISTED && (
              <p class="field-help">{models.length - MAX_LISTED} more: type a part of the name.</p>
            )}
            {profiles.length === 0 && models.length === 0 && !isOwnName && (
              <p class="field-help">Nothing has this name. Models are named provider/model.</p>
            )}
          </div>
        )}
        {choice.value?.kind === 'model' && !choice.value.name.startsWith('scripted/') && (
          <div class="model-options">
            <label class="field">
              <span>API key</span>
              <input
                type="password"
                autocomplete="off"
                value={apiKey.value}
                onInput={(event) => {
                  apiKey.value = event.currentTarget.value;
                }}
              />
              <span class="field-help">
                Empty if the server has it in its environment, or none is needed.
              </span>
            </label>
            <label class="field">
              <span>Address of the service</span>
              <input
                type="url"
                placeholder="That of the provider"
                value={baseUrl.value}
                onInput={(event) => {
                  baseUrl.value = event.currentTarget.value;
                }}
              />
            </label>
          </div>
        )}
        <RequestProblem problem={change.problem} />
        <div class="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={change.isBusy} disabled={choice.value === undefined}>
            Switch
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function ChoiceRow({
  label,
  note,
  isChosen,
  onChoose,
}: {
  label: string;
  note?: string;
  isChosen: boolean;
  onChoose: () => void;
}) {
  return (
    <label class="choice">
      <input type="radio" name="model" checked={isChosen} onChange={onChoose} />
      <span>
        <span>{visible(oneLine(label, 120))}</span>
        {note !== undefined && <small>{visible(oneLine(note, 120))}</small>}
      </span>
    </label>
  );
}

/** What can be chosen for this agent. */
function useOffers(info: ConversationInfo) {
  const isExternal = info.agent.kind === 'ACPAgent';
  const profiles = useSignal<readonly Profile[]>([]);
  const models = useSignal<readonly string[]>(
    isExternal ? info.available_models.map(({ model_id }) => model_id) : [],
  );
  const isLoading = useSignal(!isExternal);
  const problem = useSignal<unknown>(undefined);
  useEffect(() => {
    if (isExternal) return;
    Promise.all([call(api.GET('/api/profiles')), call(api.GET('/api/llm/models'))])
      .then(
        ([stored, catalogue]) => {
          profiles.value = stored.profiles;
          // Bare names are repeated with their provider.
          models.value = ['scripted/demo', ...catalogue.models.filter((name) => name.includes('/'))];
        },
        (error: unknown) => {
          problem.value = error;
        },
      )
      .finally(() => {
        isLoading.value = false;
      });
  }, []);
  return {
    kind: isExternal ? ('acp' as const) : ('model' as const),
    profiles: profiles.value,
    models: models.value,
    isLoading: isLoading.value,
    problem: problem.value,
  };
}

/** The new configuration. What is about the conversation stays, what is about the old model goes. */
function llmFrom(
  { agent }: ConversationInfo,
  model: string,
  apiKey: string,
  baseUrl: string,
): Schemas['LLM'] {
  const { stream, usage_id } = agent.llm ?? {};
  return {
    model,
    stream,
    usage_id,
    ...(apiKey.trim() === '' ? {} : { api_key: apiKey.trim() }),
    ...(baseUrl.trim() === '' ? {} : { base_url: baseUrl.trim() }),
  };
}

function needsKey({ api_key_set: has, model }: Profile): boolean {
  return has !== true && model?.startsWith('scripted/') !== true;
}
