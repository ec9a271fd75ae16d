import { api, call, type Schemas } from '../api/client.js';
import { visible } from '../ui/safe-text.js';
import { useQuery } from '../api/use-query.js';
import { change, draft } from './draft.js';

/** What the agent can do. */
export function ToolsField({ problem }: { problem: string | undefined }) {
  const { data, problem: unread } = useQuery('tools', () => call(api.GET('/api/tools/catalog')));
  const tools = data?.tools ?? [];
  const chosen = draft.value.tools ?? defaultsOf(tools);
  const shown = tools.filter(
    ({ name, user_selectable }) => user_selectable === true || chosen.includes(name),
  );
  const toggle = (name: string, isOn: boolean): void =>
    change({ tools: isOn ? [...chosen, name] : chosen.filter((other) => other !== name) });
  return (
    <details class="new-details" open={problem !== undefined}>
      <summary>
        Tools <small>{chosen.length === 0 ? '' : visible(chosen.join(', '))}</small>
      </summary>
      <fieldset class="new-fieldset" aria-label="Tools">
        {shown.map(({ name, description = '', usable = true }, index) => (
          <label key={name} class="new-choice">
            <input
              id={index === 0 ? 'tools' : undefined}
              type="checkbox"
              disabled={!usable}
              checked={chosen.includes(name)}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            <span>
              <code>{visible(name)}</code>
              <small>{usable ? visible(description) : 'Not available on this server.'}</small>
            </span>
          </label>
        ))}
        {(problem ?? unread) !== undefined && <p class="field-problem">{problem ?? unread}</p>}
      </fieldset>
    </details>
  );
}

/** `switch_llm` is built in; conversations of this server get it without being asked. */
function defaultsOf(tools: readonly Schemas['ToolCatalogEntry'][]): string[] {
  return tools
    .filter(
      ({ in_default_set, usable, name }) =>
        in_default_set === true && usable !== false && name !== 'switch_llm',
    )
    .map(({ name }) => name);
}
