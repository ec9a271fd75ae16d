import { Field } from '../ui/field.js';
import { visible } from '../ui/safe-text.js';
import { change, draft } from './draft.js';
import type { Stored } from './model-field.js';

/** Which agent works: the built-in one, or a stored agent profile. Shown only where there are some. */
export function AgentField({ stored, problem }: { stored: Stored | undefined; problem: string | undefined }) {
  const usable = usableAgents(stored);
  if (usable.length === 0) return null;
  return (
    <Field
      id="agent"
      label="Agent"
      problem={problem}
      help={
        draft.value.agentProfile === null
          ? 'The built-in agent, with the model and the tools that you choose.'
          : 'The profile decides about model, tools and skills.'
      }
    >
      {(control) => (
        <select
          {...control}
          value={draft.value.agentProfile ?? ''}
          onChange={(event) => change({ agentProfile: event.currentTarget.value || null })}
        >
          <option value="">Built-in agent</option>
          <optgroup label="Agent profiles">
            {usable.map(({ id, name, agent_kind, llm_profile_ref }) => (
              <option key={id} value={id}>
                {visible(`${name} (${agent_kind === 'acp' ? 'external agent' : (llm_profile_ref ?? '')})`)}
              </option>
            ))}
          </optgroup>
        </select>
      )}
    </Field>
  );
}

/** The default agent profile of a fresh server names an LLM profile that does not exist. */
function usableAgents(stored: Stored | undefined): Stored['agents'] {
  const profiles = new Set(stored?.profiles.map(({ name }) => name));
  return (stored?.agents ?? []).filter(
    ({ agent_kind, llm_profile_ref }) => agent_kind === 'acp' || profiles.has(llm_profile_ref ?? ''),
  );
}
