import { ConflictError, InternalServerError, RateLimitError } from 'openai';
import { scriptedRequest } from '../support/conversation-client.js';
import { CONVERSATION, GatewayFixture, chat, conversationOf } from '../support/gateway-fixture.js';
import { eventually } from '../support/server-process.js';

describe('conversations of the OpenAI gateway', () => {
  let fixture: GatewayFixture;

  beforeAll(async () => {
    fixture = await GatewayFixture.start();
  });
  afterAll(() => fixture.stop());

  /** Sends a message to a conversation over the gateway. */
  const ask = (id: string, text: string) =>
    fixture.client().chat.completions.create(chat(text), { headers: { [CONVERSATION]: id } });
  const answer = async (id: string, text: string) => (await ask(id, text)).choices[0]?.message.content;
  /** Creates a conversation over the native API. */
  const created = async (script: string | undefined, more = {}) => {
    const body = scriptedRequest('work', script, more);
    const { id } = await fixture.ok('POST', '/api/conversations', body);
    return String(id);
  };
  const reaches = (id: string, status: string) =>
    eventually(async () => (await fixture.status(id)) === status, `status ${status}`);
  const refusal = async (request: Promise<unknown>) => {
    const error: unknown = await request.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ConflictError);
    return String(error);
  };

  it('continues a conversation of the native API, also one whose model does not stream', async () => {
    const id = await created('FINISH: one');
    await reaches(id, 'finished');
    expect(await answer(id, 'SAY: two')).toBe('two');
    const response = await fixture.raw('/chat/completions', chat('SAY: three', { stream: true }), {
      [CONVERSATION]: id,
    });
    expect(await response.text()).toContain('"delta":{"content":"three"}');
  });

  it('refuses a conversation that is running, paused or waiting for confirmation', async () => {
    const running = await created('RUN: sleep 60');
    await reaches(running, 'running');
    expect(await refusal(ask(running, 'FINISH: x'))).toContain('is busy');
    await fixture.ok('POST', `/api/conversations/${running}/interrupt`);

    const paused = await created('RUN: sleep 1\nRUN: sleep 1\nFINISH: x');
    await reaches(paused, 'running');
    await fixture.ok('POST', `/api/conversations/${paused}/pause`);
    await reaches(paused, 'paused');
    expect(await refusal(ask(paused, 'FINISH: x'))).toContain(`POST /api/conversations/${paused}/run`);

    const waiting = await created('RUN: true', { confirmation_policy: { kind: 'AlwaysConfirm' } });
    await reaches(waiting, 'waiting_for_confirmation');
    expect(await refusal(ask(waiting, 'FINISH: x'))).toContain('respond_to_confirmation');
    await fixture.ok('POST', `/api/conversations/${waiting}/events/respond_to_confirmation`, {
      accept: false,
    });
    expect(await answer(waiting, 'FINISH: accepted')).toBe('accepted');
    // A refused message is not part of the conversation.
    const { items } = await fixture.ok('GET', `/api/conversations/${waiting}/events/search?limit=100`);
    expect(JSON.stringify(items)).not.toContain('FINISH: x');
  });

  it('reports when its own run is paused or waits for confirmation', async () => {
    const confirming = await created(undefined, { confirmation_policy: { kind: 'AlwaysConfirm' } });
    expect(await refusal(ask(confirming, 'RUN: true'))).toContain('status: waiting_for_confirmation');

    const id = await created(undefined);
    const request = refusal(ask(id, 'RUN: sleep 1\nRUN: sleep 1\nFINISH: x'));
    await reaches(id, 'running');
    await fixture.ok('POST', `/api/conversations/${id}/pause`);
    expect(await request).toContain('status: paused');
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'continues a conversation by its header after %s during a stream',
    async (signal) => {
      const response = await fixture.raw(
        '/chat/completions',
        chat('SAY: on it\nRUN: sleep 60\nFINISH: never', { stream: true }),
      );
      const id = conversationOf(response);
      const reading = response.text().then(
        () => 'ended',
        () => 'broken',
      );
      await eventually(async () => {
        const { items } = await fixture.ok('GET', `/api/conversations/${id}/events/search?limit=100`);
        return JSON.stringify(items).includes('ActionEvent');
      }, 'the command');
      await fixture.restart(signal);
      expect(['ended', 'broken']).toContain(await reading);
      await reaches(id, 'paused');
      expect(await answer(id, 'FINISH: after')).toBe('after');
    },
  );
});

describe('the limits of the OpenAI gateway', () => {
  let fixture: GatewayFixture;
  beforeAll(async () => {
    fixture = await GatewayFixture.start({
      OH_GATEWAY_TIMEOUT_SECONDS: '3',
      OH_GATEWAY_KEEP_ALIVE_SECONDS: '0.1',
      OH_MAX_CONCURRENT_RUNS: '1',
    });
  });
  afterAll(() => fixture.stop());
  /** An answer as a stream, which has no time limit. The slot of an ended run becomes free a moment later. */
  const stream = async (text: string): Promise<Response> => {
    let response: Response | undefined;
    await eventually(async () => {
      response = await fixture.raw('/chat/completions', chat(text, { stream: true }));
      return response.status !== 429;
    }, 'a free slot');
    if (!response) throw new Error('no answer');
    return response;
  };
  const hasEnded = (id: string, status: string) =>
    eventually(async () => (await fixture.status(id)) === status, `status ${status}`);

  it('answers 504 after the time limit and lets the run continue', async () => {
    const { id } = await fixture.ok('POST', '/api/conversations', scriptedRequest('work'));
    const error: unknown = await fixture
      .client()
      .chat.completions.create(chat('RUN: sleep 4\nFINISH: late'), {
        headers: { [CONVERSATION]: String(id) },
      })
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 504, code: 'timeout' });
    expect(String(error)).toContain(id);
    await hasEnded(String(id), 'finished');
    const { response } = await fixture.ok('GET', `/api/conversations/${String(id)}/agent_final_response`);
    expect(response).toBe('late');
  });

  it('sends keep-alive comments during a long tool call, without the time limit', async () => {
    const text = await (await stream('RUN: sleep 4\nFINISH: late')).text();
    expect(text.split(': keep-alive\n\n').length).toBeGreaterThan(3);
    expect(text).toMatch(/"delta":\{"content":"late"\}[^]*data: \[DONE\]\n\n$/);
  });

  it('answers 429 at the limit of runs and creates no conversation', async () => {
    const id = '7e57ab1e-0000-4000-8000-00000000cccc';
    const first = await stream('RUN: sleep 60');
    const request = fixture
      .client()
      .chat.completions.create(chat('FINISH: x'), { headers: { [CONVERSATION]: id } });
    await expect(request).rejects.toBeInstanceOf(RateLimitError);
    await expect(fixture.ok('GET', `/api/conversations/${id}`)).rejects.toThrow('404');
    await first.body?.cancel();
    await hasEnded(conversationOf(first), 'paused');
    expect(await (await stream('FINISH: now')).text()).toContain('"delta":{"content":"now"}');
  });
});
