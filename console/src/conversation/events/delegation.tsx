import { visible } from '../../ui/safe-text.js';
import { recordAt, textAt } from '../stream/wire-event.js';
import type { CallItem } from '../stream/stream-items.js';
import { Markdown } from './markdown.js';
import { ResultText } from './result-text.js';

const ID = /^[0-9a-f-]{32,36}$/i;

/** A task that the agent gave to another agent. */
export function Delegation({ item }: { item: CallItem }) {
  const action = recordAt(item.action, 'action');
  const observation = recordAt(item.result, 'observation');
  const task = textAt(action, 'prompt') || textAt(action, 'task');
  const agent = textAt(action, 'subagent_type') || textAt(observation, 'subagent');
  const child = textAt(observation, 'conversation_id');
  return (
    <>
      {agent !== '' && <p class="note">To {visible(agent.slice(0, 100))}</p>}
      {task !== '' && <Markdown text={task} />}
      {ID.test(child) && (
        <p>
          <a href={`conversations/${child}`}>Open its conversation</a>
        </p>
      )}
      <ResultText item={item} />
    </>
  );
}
