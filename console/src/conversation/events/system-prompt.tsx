import { visible, oneLine } from '../../ui/safe-text.js';
import { listAt, recordAt, textAt, type WireEvent } from '../stream/wire-event.js';
import { Fold } from './fold.js';
import { JsonTree } from './json-tree.js';
import { Output } from './output.js';

/** What the agent was told first: its prompt and its tools. */
export function SystemPrompt({ event }: { event: WireEvent }) {
  const tools = listAt(event, 'tools');
  const context = textAt(recordAt(event, 'dynamic_context'), 'text');
  return (
    <Fold
      name={event.id}
      label={
        <>
          <span class="fold-label">System prompt</span>{' '}
          <span class="fold-preview">{tools.length === 1 ? '1 tool' : `${tools.length} tools`}</span>
        </>
      }
    >
      {() => (
        <div class="system-prompt">
          <Output
            text={textAt(recordAt(event, 'system_prompt'), 'text')}
            lines={30}
            name="system-prompt.txt"
          />
          {context !== '' && <Output text={context} lines={30} name="context.txt" />}
          {tools.slice(0, 200).map((tool, index) => (
            <Tool key={index} name={`${event.id}-tool-${index}`} tool={tool} />
          ))}
        </div>
      )}
    </Fold>
  );
}

function Tool({ name, tool }: { name: string; tool: unknown }) {
  const title =
    textAt(tool, 'client_tool_name') || textAt(tool, 'title') || textAt(tool, 'name') || textAt(tool, 'kind');
  const description = textAt(tool, 'description');
  return (
    <Fold
      name={name}
      label={
        <>
          <code>{visible(title.slice(0, 100))}</code>{' '}
          <span class="fold-preview">{oneLine(description, 120)}</span>
        </>
      }
    >
      {() => <JsonTree value={tool} />}
    </Fold>
  );
}
