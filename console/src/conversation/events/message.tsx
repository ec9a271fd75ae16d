import {
  contentImages,
  contentText,
  listAt,
  recordAt,
  textAt,
  type WireEvent,
} from '../stream/wire-event.js';
import { oneLine } from '../../ui/safe-text.js';
import type { CallItem } from '../stream/stream-items.js';
import { Fold } from './fold.js';
import { Images } from './image.js';
import { Markdown } from './markdown.js';
import { Output } from './output.js';

/** A message of a person, the agent or the environment. */
export function Message({ event }: { event: WireEvent }) {
  const message = recordAt(event, 'llm_message');
  const content = listAt(message, 'content');
  const text = contentText(content);
  const isPerson = event.source === 'user';
  const skills = listAt(event, 'activated_skills').filter((name): name is string => typeof name === 'string');
  const added = contentText(listAt(event, 'extended_content'));
  return (
    <div class={`message ${isPerson ? 'person' : 'agent'}`}>
      <Author event={event} />
      <Reasoning name={`${event.id}-reasoning`} text={reasoningOf(message)} />
      {/* What a person wrote is shown as it was written. */}
      {text !== '' &&
        (isPerson ? <Output text={text} lines={30} isProse name="message.txt" /> : <Markdown text={text} />)}
      <Images urls={contentImages(content)} />
      {skills.length > 0 && <p class="note">Skills: {oneLine(skills.join(', '), 300)}</p>}
      {added !== '' && (
        <Fold name={`${event.id}-added`} label="Added for the model">
          {() => <Output text={added} />}
        </Fold>
      )}
    </div>
  );
}

function Author({ event }: { event: WireEvent }) {
  const sender = oneLine(textAt(event, 'sender'), 60);
  if (event.source === 'user') return <h3 class="author">{sender === '' ? 'You' : sender}</h3>;
  return <h3 class="author">{event.source === 'agent' ? 'Agent' : 'Environment'}</h3>;
}

/** What the agent said and thought before a call. */
export function Thought({ event }: { event: WireEvent }) {
  const text = contentText(listAt(event, 'thought'));
  const reasoning = reasoningOf(event);
  if (text === '' && reasoning === '') return null;
  return (
    <div class="message agent before-call">
      <Reasoning name={`${event.id}-reasoning`} text={reasoning} />
      {text !== '' && <Markdown text={text} />}
    </div>
  );
}

/** The last word of the agent. */
export function Finished({ item }: { item: CallItem }) {
  const text = textAt(recordAt(item.action, 'action'), 'message');
  return (
    <div class="message agent finished">
      <h3 class="author">Agent finished</h3>
      <Markdown text={text} />
    </div>
  );
}

/** Reasoning of the model, folded. */
export function Reasoning({
  name,
  text,
  label = 'Reasoning',
}: {
  name: string;
  text: string;
  label?: string;
}) {
  if (text.trim() === '') return null;
  return (
    <Fold
      name={name}
      label={
        <>
          <span class="fold-label">{label}</span> <span class="fold-preview">{oneLine(text, 160)}</span>
        </>
      }
    >
      {() => (
        <div class="reasoning">
          <Markdown text={text} />
        </div>
      )}
    </Fold>
  );
}

/** Reasoning in the forms of the different providers. */
function reasoningOf(holder: unknown): string {
  const plain = textAt(holder, 'reasoning_content');
  if (plain !== '') return plain;
  const blocks = listAt(holder, 'thinking_blocks').map((block) => textAt(block, 'thinking'));
  const item = recordAt(holder, 'responses_reasoning_item');
  const summary = [...listAt(item, 'summary'), ...listAt(item, 'content')].filter(
    (text): text is string => typeof text === 'string',
  );
  return [...blocks, ...summary].filter((text) => text !== '').join('\n\n');
}
