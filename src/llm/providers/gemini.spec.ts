import {
  ask,
  CONVERSATION,
  endpoint,
  HI,
  PARAMETERS,
  root,
  SYSTEM,
  withResult,
} from '../../../test/support/provider-fixture.js';
import { textContent } from '../../events/index.js';
import type { LlmDelta } from '../request/llm-request.js';

describe('gemini generateContent', () => {
  const model = 'gemini/gemini-2.5-pro';
  const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 };
  const answerOf = (parts: unknown[]) => ({
    candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
    usageMetadata,
    responseId: 'gem-1',
  });
  const functionCall = {
    functionCall: { name: 'terminal', args: { command: 'echo hi' } },
    thoughtSignature: 'SIG',
  };

  it('sends requests, reads answers and replays them', async () => {
    endpoint.script([
      { body: answerOf([{ text: 'hm', thought: true }, functionCall]) },
      { body: answerOf([{ text: 'done' }]) },
    ]);
    const answer = await ask({ model, base_url: root() }, [SYSTEM, HI]);
    const [first] = endpoint.requests;
    expect(first?.path).toBe('/models/gemini-2.5-pro:generateContent');
    expect(first?.headers).toMatchObject({ 'x-goog-api-key': 'key', 'x-litellm-session-id': CONVERSATION });
    expect(first?.body).toMatchObject({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      systemInstruction: { parts: [{ text: 'static' }, { text: 'dynamic' }] },
      generationConfig: {
        maxOutputTokens: 16384,
        thinkingConfig: { thinkingBudget: 4096, includeThoughts: true },
      },
      tools: [
        {
          functionDeclarations: [
            { name: 'terminal', description: 'Runs a command.', parameters: PARAMETERS },
          ],
        },
      ],
    });
    expect(answer.message).toMatchObject({
      content: [],
      reasoning_content: 'hm',
      thinking_blocks: [],
      tool_calls: [{ name: 'terminal', arguments: '{"command":"echo hi"}' }],
    });
    expect(answer.usage).toMatchObject({
      prompt_tokens: 100,
      completion_tokens: 10,
      context_window: 1048576,
    });
    expect(answer.cost).toBeCloseTo(0.000225, 10);

    const second = await ask({ model, base_url: root() }, withResult(answer));
    expect(second.message.content).toEqual([textContent('done')]);
    expect(endpoint.requests[1]?.body).toMatchObject({
      contents: [
        { role: 'user', parts: [{ text: 'hi' }] },
        { role: 'model', parts: [functionCall] },
        {
          role: 'user',
          parts: [{ functionResponse: { name: 'terminal', response: { content: 'output' } } }],
        },
      ],
    });
  });

  it('streams answers of Gemini', async () => {
    endpoint.script([{ sse: [answerOf([{ text: 'Hello ' }]), answerOf([{ text: 'world' }, functionCall])] }]);
    const deltas: LlmDelta[] = [];
    const answer = await ask({ model, base_url: root(), stream: true }, [SYSTEM, HI], deltas);
    const said = deltas.filter(({ kind }) => kind !== 'call');
    expect(said.map(({ content }) => content).join('')).toBe('Hello world');
    expect(answer.message).toMatchObject({
      content: [textContent('Hello world')],
      tool_calls: [{ name: 'terminal' }],
    });
  });

  it('reports an invalid key', async () => {
    const message = 'API key not valid. Please pass a valid API key.';
    endpoint.script([{ status: 400, body: { error: { code: 400, message, status: 'INVALID_ARGUMENT' } } }]);
    await expect(ask({ model, base_url: root() }, [HI])).rejects.toMatchObject({
      code: 'LLMAuthenticationError',
    });
  });

  it('maps errors of Gemini', async () => {
    endpoint.script([
      { status: 400, body: { error: { code: 400, message: 'bad thing', status: 'INVALID_ARGUMENT' } } },
    ]);
    await expect(ask({ model, base_url: root() }, [HI])).rejects.toMatchObject({
      code: 'LLMBadRequestError',
      message: 'litellm.BadRequestError: GeminiException - bad thing',
    });
  });
});
