import fc from 'fast-check';
import { nextTurn, splitWords, type PlayedMessage } from './player.js';

const user = (...texts: string[]): PlayedMessage => ({ role: 'user', texts });
const assistant: PlayedMessage = { role: 'assistant', texts: [] };
const tool: PlayedMessage = { role: 'tool', texts: ['RUN: not me'] };
const SCRIPT = user('RUN: a\nRUN: b\nSAY: end');

describe('nextTurn', () => {
  it('finds the current step in the dialogue', () => {
    const commands = (messages: PlayedMessage[]) =>
      nextTurn(messages, 1, true).calls.map((call) => call.arguments);
    expect(commands([SCRIPT])).toEqual(['{"command":"a"}']);
    expect(commands([user('RUN: old'), assistant, SCRIPT, assistant, tool, tool])).toEqual([
      '{"command":"b"}',
    ]);
    expect(nextTurn([SCRIPT, assistant, tool, assistant, tool], 1, true)).toMatchObject({
      text: 'end',
      calls: [],
    });
  });

  it('continues after a message without steps, and reports the end of the script', () => {
    expect(nextTurn([SCRIPT, assistant, tool, user('go on')], 1, true).calls).toHaveLength(1);
    const played = [SCRIPT, assistant, assistant, assistant];
    expect(nextTurn(played, 1, true).text).toMatch(/at its end/);
    expect(nextTurn([...played, user('hello')], 1, true).text).toMatch(/I am the scripted model/);
    expect(nextTurn([user('hello')], 1, true).text).toMatch(/I am the scripted model/);
  });

  it('plays the latest of several messages without an answer', () => {
    expect(nextTurn([user('SAY: a', 'SAY: b\nSAY: c', 'please')], 1, true).text).toBe('b\nc');
    const afterFailure = nextTurn([user('FAIL: 400 no', 'SAY: again')], 1, true);
    expect(afterFailure).toEqual({ wait: 0, text: 'again', calls: [] });
  });

  it('fails the number of attempts that the script sets', () => {
    const messages = [user('FAIL: 500 one\nFAIL: 429 two\nSAY: ok')];
    expect(nextTurn(messages, 1, true).failure).toEqual({ status: 500, message: 'one' });
    expect(nextTurn(messages, 2, true).failure).toEqual({ status: 429, message: 'two' });
    expect(nextTurn(messages, 3, true)).toMatchObject({ text: 'ok' });
    expect(nextTurn([user('FAIL: 500')], 9, true).failure?.status).toBe(500);
  });

  it('describes calls as text when there are no tools', () => {
    expect(nextTurn([SCRIPT], 1, false)).toMatchObject({ text: 'a', calls: [] });
    expect(nextTurn([user('FINISH: all done')], 1, false).text).toBe('all done');
    expect(nextTurn([user('TOOL: think {')], 1, false).text).toBe('Call think');
  });
});

describe('pieces', () => {
  it('splits a text into pieces without losing characters', () => {
    fc.assert(fc.property(fc.string(), (text) => splitWords(text).join('') === text));
  });
});
