import { Cipher, KnownSecrets, SecretCodec } from '../../crypto/index.js';
import { createEvent, textContent } from '../../events/index.js';
import { foldEvent } from './conversation-state.js';
import { fromStored } from './stored-conversation.js';

const LATER = '2999-01-01T00:00:00.000000Z';

describe('foldEvent', () => {
  it('never sets updated_at back', () => {
    const stored = {
      ...{ format: 1, log_position: 0, id: 'c', created_at: LATER, updated_at: LATER },
      ...{ execution_status: 'idle', parent_conversation_id: null, owner_key: null, leaf_event_id: null },
      ...{ agent: { llm: { usage_id: 'agent', model: 'scripted/x' } }, workspace: { working_dir: 'w' } },
      stats: { usage_to_metrics: {} },
    };
    const { state } = fromStored(stored, new SecretCodec(new Cipher(null), new KnownSecrets()));
    const system_prompt = textContent('You are an agent.');
    const event = createEvent({ source: 'agent', system_prompt, tools: [], kind: 'SystemPromptEvent' });
    foldEvent(state, event);
    expect(state.updated_at).toBe(LATER);
    expect(state.leaf_event_id).toBe(event.id);
    state.updated_at = '2000-01-01T00:00:00.000000Z';
    foldEvent(state, event);
    expect(state.updated_at > '2020').toBe(true);
  });
});
