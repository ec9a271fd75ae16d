import { withNulls } from './with-nulls.js';

const base = { id: 'a', timestamp: 't', source: 'agent' };

describe('withNulls', () => {
  it('restores the null fields of an action in the order of the wire', () => {
    const event = {
      ...base,
      thought: [],
      thinking_blocks: [{ type: 'thinking', thinking: 'hm' }],
      action: { command: 'ls', is_input: false, reset: false, kind: 'TerminalAction' },
      tool_name: 'terminal',
      tool_call_id: 'c',
      tool_call: { id: 'c', name: 'terminal', arguments: '{}', origin: 'completion' },
      llm_response_id: 'r',
      security_risk: 'UNKNOWN',
      kind: 'ActionEvent',
    };
    expect(JSON.stringify(withNulls(event))).toBe(
      '{"id":"a","timestamp":"t","source":"agent","parent_id":null,"thought":[],"reasoning_content":null,' +
        '"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":null}],"responses_reasoning_item":null,' +
        '"action":{"command":"ls","is_input":false,"timeout":null,"reset":false,"kind":"TerminalAction"},' +
        '"tool_name":"terminal","tool_call_id":"c","tool_call":{"id":"c","responses_item_id":null,"name":"terminal",' +
        '"arguments":"{}","origin":"completion"},"llm_response_id":"r","security_risk":"UNKNOWN","critic_result":null,' +
        '"summary":null,"kind":"ActionEvent"}',
    );
  });

  it('restores a missing action as null', () => {
    expect(withNulls({ ...base, kind: 'ActionEvent' })).toMatchObject({ action: null, summary: null });
  });

  it('restores the unused fields of tools', () => {
    const tool = {
      description: 'd',
      action_type: 'A',
      annotations: { readOnlyHint: true },
      kind: 'T',
      title: 't',
    };
    expect(withNulls({ ...base, system_prompt: {}, tools: [tool], kind: 'SystemPromptEvent' })).toMatchObject(
      {
        parent_id: null,
        tools: [{ observation_type: null, meta: null, annotations: { title: null, readOnlyHint: true } }],
        dynamic_context: null,
      },
    );
  });

  it('does not change free-form values and unknown fields', () => {
    const state = {
      ...base,
      key: 'stats',
      value: { a: null },
      extra: 1,
      kind: 'ConversationStateUpdateEvent',
    };
    expect(withNulls(state)).toEqual({ ...state, parent_id: null });
    expect(Object.keys(withNulls(state)).at(-1)).toBe('kind');
    expect(withNulls({ ...base, kind: 'SomethingNew' })).toEqual({ ...base, kind: 'SomethingNew' });
  });
});
