import fc from 'fast-check';
import { createEvent, textContent, type ConversationEvent } from '../../events/index.js';
import { Narration, type Piece } from './narration.js';

/** One answer of a model, and how it is streamed. */
interface Said {
  text: string;
  /** The number of streamed characters. */
  streamed: number;
  /** The number of characters that a failed attempt streamed before. */
  lost: number;
  as: 'message' | 'tool' | 'finish';
}

const said: fc.Arbitrary<Said> = fc.record({
  text: fc.string({ minLength: 1, maxLength: 40 }),
  streamed: fc.nat(60),
  lost: fc.nat(3),
  as: fc.constantFrom('message', 'tool', 'finish'),
});

describe('Narration', () => {
  const message = (text: string): ConversationEvent =>
    createEvent({
      source: 'agent',
      llm_message: { role: 'assistant', content: [textContent(text)], thinking_blocks: [] },
      activated_skills: [],
      extended_content: [],
      kind: 'MessageEvent',
    });
  const action = (thought: string, tool: string, args: object): ConversationEvent =>
    createEvent({
      source: 'agent',
      thought: thought === '' ? [] : [textContent(thought)],
      thinking_blocks: [],
      action: { ...args, kind: 'Action' },
      tool_name: tool,
      tool_call_id: 'call',
      tool_call: { id: 'call', name: tool, arguments: '{}', origin: 'completion' },
      llm_response_id: 'response',
      security_risk: 'UNKNOWN',
      kind: 'ActionEvent',
    });
  const delta = (narration: Narration, id: string, content: string, attempt = 1) =>
    narration.onItem({
      conversationId: 'c',
      signal: {
        ...{ type: 'delta', item_id: id, attempt, order: 0, kind: 'text', content },
        ...{ chunk_id: 'chunk', choice_index: 0 },
      },
    });
  const final = (narration: Narration, id: string, content: string, attempt = 1) =>
    narration.onItem({ conversationId: 'c', signal: { type: 'final_delta', item_id: id, attempt, content } });
  const abort = (narration: Narration, id: string) =>
    narration.onItem({
      conversationId: 'c',
      signal: { type: 'item_aborted', item_id: id, attempt: 1, reason: 'LLMTimeoutError' },
    });
  const heard = (narration: Narration) => {
    const pieces: Piece[] = [];
    narration.listen((piece) => pieces.push(piece));
    return pieces;
  };
  const textOf = (pieces: readonly Piece[], type: Piece['type']) =>
    pieces.flatMap((piece) => (piece.type === type ? [piece.text] : [])).join('');

  it('emits streamed text, and the missing part with the event', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    delta(narration, 'a', 'Hello ');
    narration.onEvent(message('Hello there'));
    expect(pieces).toEqual([
      { type: 'text', text: 'Hello ' },
      { type: 'text', text: 'there' },
      { type: 'end', text: 'Hello there', phase: 'final_answer' },
    ]);
  });

  it('emits everything from the start to a late listener', () => {
    const narration = new Narration();
    delta(narration, 'a', 'early ');
    const pieces = heard(narration);
    delta(narration, 'a', 'late');
    expect(textOf(pieces, 'text')).toBe('early late');
  });

  it('emits the complete text again after a failed attempt', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    delta(narration, 'a', 'Once upon');
    abort(narration, 'a');
    delta(narration, 'a', 'There was', 2);
    narration.onEvent(message('There was a time'));
    expect(textOf(pieces, 'text')).toBe('Once upon\n\nThere was a time');
    expect(narration.answer).toBe('There was a time');
  });

  it('does not repeat text that is also the message of finish', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    delta(narration, 'a', 'All done.');
    narration.onEvent(action('All done.', 'finish', { message: 'All done.' }));
    expect(textOf(pieces, 'text')).toBe('All done.');
    expect(narration.answer).toBe('All done.');
  });

  it('does not repeat the message of finish that an ACP agent has streamed as text', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    for (const piece of ['All ', 'do']) delta(narration, 'a', piece);
    const { id: _id, ...event } = action('', 'finish', { message: 'All done.' });
    narration.onEvent(createEvent({ ...event, id: 'a' }));
    expect(textOf(pieces, 'text')).toBe('All done.');
    expect(textOf(pieces, 'end')).toBe('All done.');
    expect(narration.answer).toBe('All done.');
  });

  it('does not repeat a text of which only the end was heard', () => {
    const { id: _id, ...finish } = action('', 'finish', { message: 'All is done.' });
    for (const event of [message('All is done.'), createEvent({ ...finish, id: 'a' })]) {
      const narration = new Narration();
      const pieces = heard(narration);
      delta(narration, 'a', 'is done.');
      narration.onEvent(event);
      expect(pieces).toEqual([
        { type: 'text', text: 'is done.' },
        { type: 'end', text: 'All is done.', phase: 'final_answer' },
      ]);
    }
  });

  it('streams the final answer, separate from the text before it', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    delta(narration, 'a', 'Wait.');
    final(narration, 'a', 'All ');
    expect(pieces).toEqual([
      { type: 'text', text: 'Wait.' },
      { type: 'end', text: 'Wait.', phase: 'commentary' },
      { type: 'text', text: 'All ' },
    ]);
    const { id: _id, ...event } = action('Wait.', 'finish', { message: 'All done.' });
    narration.onEvent(createEvent({ ...event, id: 'a' }));
    expect(pieces.slice(3)).toEqual([
      { type: 'text', text: 'done.' },
      { type: 'end', text: 'All done.', phase: 'final_answer' },
    ]);
  });

  it('does not repeat text while the message of finish is streamed', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    delta(narration, 'a', 'All done.');
    for (const piece of ['All ', 'done', '.']) final(narration, 'a', piece);
    narration.onEvent(action('All done.', 'finish', { message: 'All done.' }));
    expect(textOf(pieces, 'text')).toBe('All done.');
    expect(pieces.at(-1)).toEqual({ type: 'end', text: 'All done.', phase: 'final_answer' });
  });

  it('ends a streamed finish message as commentary when the model is asked again', () => {
    for (const event of [message('Something else'), action('Something else', 'terminal', {})]) {
      const narration = new Narration();
      const pieces = heard(narration);
      final(narration, 'a', 'All do');
      narration.onEvent(event);
      expect(pieces.slice(0, 3)).toEqual([
        { type: 'text', text: 'All do' },
        { type: 'end', text: 'All do', phase: 'commentary' },
        { type: 'text', text: 'Something else' },
      ]);
    }
  });

  it('does not emit reasoning', () => {
    const narration = new Narration();
    const pieces = heard(narration);
    narration.onItem({
      conversationId: 'c',
      signal: {
        ...{ type: 'delta', item_id: 'a', attempt: 1, order: 0, kind: 'reasoning', content: 'Hm' },
        ...{ chunk_id: 'chunk', choice_index: 0 },
      },
    });
    expect(pieces).toEqual([]);
  });

  it('emits pieces that add up to the messages, whatever is streamed or lost', () => {
    const play = (narration: Narration, { text, streamed, lost, as }: Said, id: string): void => {
      if (lost > 0) {
        delta(narration, id, text.slice(0, lost));
        abort(narration, id);
      }
      const write = as === 'finish' && lost === 0 ? final : delta;
      for (const character of text.slice(0, streamed)) write(narration, id, character, lost > 0 ? 2 : 1);
      if (as === 'message') narration.onEvent(message(text));
      else if (as === 'tool') narration.onEvent(action(text, 'terminal', { command: 'ls' }));
      else narration.onEvent(action('', 'finish', { message: text }));
    };
    fc.assert(
      fc.property(fc.array(said), fc.nat(5), (all, listenAt) => {
        const narration = new Narration();
        let pieces: Piece[] = [];
        for (const [index, one] of all.entries()) {
          if (index === listenAt) pieces = heard(narration);
          play(narration, one, `item-${index}`);
        }
        if (all.length <= listenAt) pieces = heard(narration);
        narration.close();
        expect(textOf(pieces, 'text')).toBe(textOf(pieces, 'end'));
        const last = all.findLast(({ as, text, streamed, lost }) => {
          return as !== 'tool' && (text.trim() !== '' || streamed + lost > 0);
        });
        expect(narration.answer).toBe(last?.text ?? '');
        for (const { text } of all) {
          if (text.trim() !== '') expect(textOf(pieces, 'text')).toContain(text);
        }
      }),
    );
  });
});
