import fc from 'fast-check';
import { Redaction } from './redaction.js';

const SECRET = 'correct horse battery';
const redaction = new Redaction({
  folders: [
    ['/srv/app/workspace/project', '<workspace>'],
    ['/srv/app', '<server>'],
  ],
  mask: (text) => text.replaceAll(SECRET, '**'),
});

describe('Redaction', () => {
  it.each([
    ['cat /srv/app/workspace/project/a.txt', 'cat <workspace>/a.txt'],
    ['"/srv/app/workspace/project"', '"<workspace>"'],
    ['/srv/app/keys.json', '<server>/keys.json'],
    ['file:///srv/app/x', 'file://<server>/x'],
    ['/srv/application and /tmp/srv/app', '/srv/application and /tmp/srv/app'],
    ['/home/alice/.ssh and /Users/bob', '<home>/.ssh and <home>'],
    [`a ${SECRET} z`, 'a ** z'],
  ])('shows %s as %s', (text, shown) => {
    expect(redaction.text(text)).toBe(shown);
  });

  it('leaves out the system prompt and what configures the agent', () => {
    const prompt = {
      id: 'a',
      kind: 'SystemPromptEvent',
      system_prompt: { type: 'text', text: 'x' },
      tools: [{ n: 1 }],
    };
    expect(redaction.event(JSON.stringify(prompt))).not.toMatch(/"x"|"n"/);
    const update = { id: 'a', kind: 'ConversationStateUpdateEvent', key: 'agent', value: { llm: 'x' } };
    expect(JSON.parse(redaction.event(JSON.stringify(update)))).toEqual({ ...update, value: null });
    const status = { ...update, key: 'execution_status', value: 'running' };
    expect(JSON.parse(redaction.event(JSON.stringify(status)))).toEqual(status);
  });

  it.each([
    ['a logged call', 'LLMCompletionLogEvent', { filename: 'a.json', log_data: '{"messages":["hidden"]}' }],
    ['a hook', 'HookExecutionEvent', { hook_command: 'hidden --token', hook_input: { tool: 'hidden' } }],
    ['texts of skills', 'MessageEvent', { extended_content: [{ type: 'text', text: 'hidden' }] }],
  ])('leaves out what configures the agent in %s', (_what, kind, fields) => {
    const shown = redaction.event(JSON.stringify({ id: 'a', kind, stdout: 'kept', ...fields }));
    expect(shown).not.toContain('hidden');
    expect(JSON.parse(shown)).toMatchObject({ id: 'a', kind, stdout: 'kept' });
  });

  it('hides secrets and folders wherever they are in an event', () => {
    const hidden = fc.constantFrom(SECRET, '/srv/app/workspace/project/f', '/srv/app');
    const value = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.tuple(fc.constantFrom('', ' ', '\n"'), hidden).map(([before, text]) => `${before}${text} `),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(hidden, tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(value, (observation) => {
        const shown = redaction.event(JSON.stringify({ id: 'a', kind: 'ObservationEvent', observation }));
        expect(shown).not.toContain(SECRET);
        expect(shown).not.toContain('/srv/app');
      }),
    );
  });
});
