import {
  ANTHROPIC,
  askOnce,
  BEDROCK,
  GEMINI,
  refusalOf,
  type Speaker,
} from '../../../test/support/wire/wire-fixture.js';
import { anthropicError } from '../../../test/support/wire/anthropic-messages.js';
import { googleError } from '../../../test/support/wire/gemini.js';
import type { Json, Turn } from '../../../test/support/wire/wire-protocol.js';
import { startTokenServer, vertexClaude, vertexGemini } from '../../../test/support/wire/vertex.js';
import { textContent } from '../../events/index.js';

const STREAM = { stream: true };
const VERTEX_GEMINI: Speaker = {
  name: 'generateContent on Vertex',
  protocol: vertexGemini,
  model: 'vertex_ai/gemini-2.5-pro',
  base: '',
};
const VERTEX_CLAUDE: Speaker = {
  name: 'messages on Vertex',
  protocol: vertexClaude,
  model: 'vertex_ai/claude-sonnet-4-5@20250929',
  base: '',
};
const SPEAKERS = [ANTHROPIC, GEMINI, BEDROCK, VERTEX_GEMINI, VERTEX_CLAUDE];

let tokens: Awaited<ReturnType<typeof startTokenServer>>;
beforeAll(async () => {
  tokens = await startTokenServer();
  process.env['VERTEXAI_LOCATION'] = 'europe-west1';
  const config = { api_key: JSON.stringify(tokens.serviceAccount) };
  VERTEX_GEMINI.config = config;
  VERTEX_CLAUDE.config = config;
});
afterAll(async () => {
  delete process.env['VERTEXAI_LOCATION'];
  await tokens.close();
});

function anthropic(status: number, type: string, message: string): Turn {
  return { status, body: anthropicError(type, message) };
}

function google(status: number, name: string, message: string, details: Json[] = []): Turn {
  return { status, body: googleError(status, name, message, details) };
}

function aws(status: number, type: string, message: string): Turn {
  return {
    status,
    body: { message },
    headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/` },
  };
}

/** Google's error for an exceeded quota, by the id of the quota. */
function googleQuota(quotaId: string): Turn {
  const message =
    'You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: ' +
    'generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 10 Please retry in 0.01s.';
  return google(429, 'RESOURCE_EXHAUSTED', message, [
    { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId, quotaValue: '10' }] },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.01s' },
  ]);
}

const BLOCKED = 'LLMContentPolicyViolationError';
/** Errors of each service, their codes for clients, and whether the request is repeated. */
const REFUSALS: [Speaker, Turn, string, boolean][] = [
  [ANTHROPIC, anthropic(401, 'authentication_error', 'invalid x-api-key'), 'LLMAuthenticationError', false],
  [
    ANTHROPIC,
    anthropic(403, 'permission_error', 'Your API key does not have permission to use it'),
    'APIError',
    false,
  ],
  [ANTHROPIC, anthropic(404, 'not_found_error', 'model: claude-sonnet-4-5'), 'NotFoundError', false],
  [
    ANTHROPIC,
    anthropic(429, 'rate_limit_error', 'This request would exceed your organization\u2019s rate limit'),
    'LLMRateLimitError',
    true,
  ],
  [
    ANTHROPIC,
    anthropic(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
    'LLMBadRequestError',
    false,
  ],
  [ANTHROPIC, anthropic(500, 'api_error', 'Internal server error'), 'LLMServiceUnavailableError', true],
  [ANTHROPIC, anthropic(529, 'overloaded_error', 'Overloaded'), 'LLMServiceUnavailableError', true],
  [
    ANTHROPIC,
    anthropic(400, 'invalid_request_error', 'prompt is too long: 213462 tokens > 200000 maximum'),
    'LLMContextWindowExceedError',
    false,
  ],
  [
    ANTHROPIC,
    anthropic(
      400,
      'invalid_request_error',
      'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length',
    ),
    'LLMContextWindowExceedError',
    false,
  ],
  [
    ANTHROPIC,
    anthropic(400, 'invalid_request_error', 'Output blocked by content filtering policy'),
    BLOCKED,
    false,
  ],
  [GEMINI, googleQuota('GenerateRequestsPerMinutePerProjectPerModel-FreeTier'), 'LLMRateLimitError', true],
  [GEMINI, googleQuota('GenerateRequestsPerDayPerProjectPerModel-FreeTier'), 'LLMRateLimitError', false],
  [
    GEMINI,
    google(
      429,
      'RESOURCE_EXHAUSTED',
      'You exceeded your current quota, please check your plan and billing details.',
    ),
    'LLMRateLimitError',
    false,
  ],
  [GEMINI, google(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked.'), 'APIError', false],
  [
    GEMINI,
    google(
      400,
      'INVALID_ARGUMENT',
      'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).',
    ),
    'LLMContextWindowExceedError',
    false,
  ],
  [
    GEMINI,
    google(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
    'LLMServiceUnavailableError',
    true,
  ],
  [GEMINI, google(500, 'INTERNAL', 'An internal error has occurred.'), 'LLMServiceUnavailableError', true],
  [
    GEMINI,
    google(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
    'LLMTimeoutError',
    true,
  ],
  [
    BEDROCK,
    aws(403, 'AccessDeniedException', "You don't have access to the model with the specified model ID."),
    'APIError',
    false,
  ],
  [
    BEDROCK,
    aws(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
    'LLMRateLimitError',
    true,
  ],
  [
    BEDROCK,
    aws(429, 'ThrottlingException', 'Too many tokens per day, please wait before trying again.'),
    'LLMRateLimitError',
    false,
  ],
  [
    BEDROCK,
    aws(400, 'ServiceQuotaExceededException', 'Your request exceeds the service quota for your account.'),
    'LLMBadRequestError',
    false,
  ],
  [
    BEDROCK,
    aws(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'),
    'LLMServiceUnavailableError',
    true,
  ],
  [
    BEDROCK,
    aws(408, 'ModelTimeoutException', 'The request took too long to process.'),
    'LLMTimeoutError',
    true,
  ],
  [
    BEDROCK,
    aws(424, 'ModelErrorException', 'The system encountered an unexpected error during processing.'),
    'APIError',
    false,
  ],
  [
    BEDROCK,
    aws(400, 'ValidationException', 'Input is too long for requested model.'),
    'LLMContextWindowExceedError',
    false,
  ],
  [
    BEDROCK,
    aws(
      400,
      'ValidationException',
      'The model returned the following errors: prompt is too long: 201000 tokens > 200000 maximum',
    ),
    'LLMContextWindowExceedError',
    false,
  ],
  [
    VERTEX_GEMINI,
    google(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later.'),
    'LLMRateLimitError',
    true,
  ],
  [
    VERTEX_CLAUDE,
    google(
      429,
      'RESOURCE_EXHAUSTED',
      'Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model with base model: anthropic-claude-sonnet-4-5.',
    ),
    'LLMRateLimitError',
    true,
  ],
  [VERTEX_CLAUDE, anthropic(529, 'overloaded_error', 'Overloaded'), 'LLMServiceUnavailableError', true],
  [
    VERTEX_CLAUDE,
    anthropic(400, 'invalid_request_error', 'prompt is too long: 213462 tokens > 200000 maximum'),
    'LLMContextWindowExceedError',
    false,
  ],
];

describe('errors of native protocols', () => {
  it.each(REFUSALS.map((row) => ({ name: row[0].name, body: row[1].body, row })))(
    'maps the error of $name: $body',
    async ({ row }) => {
      const [speaker, turn, code, again] = row;
      for (const stream of [false, true]) {
        expect(await refusalOf(speaker, [turn], { stream })).toMatchObject({ code });
        const twice = askOnce(speaker, [turn, { text: 'ok' }], { stream, num_retries: 2 });
        if (again) expect((await twice).answer.message.content).toEqual([textContent('ok')]);
        else await expect(twice).rejects.toMatchObject({ code });
      }
    },
  );

  it.each(SPEAKERS)('waits before a retry as long as $name requests', async (speaker) => {
    const busy: Turn = {
      status: 429,
      body: { error: { message: 'slow' } },
      headers: { 'retry-after': '0.3' },
    };
    const began = performance.now();
    const { endpoint } = await askOnce(speaker, [busy, { text: 'ok' }], {
      num_retries: 2,
      retry_max_wait: 60,
      retry_multiplier: 60,
    });
    expect(endpoint.requests).toHaveLength(2);
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(280);
  });
});

describe('incomplete answers of native protocols', () => {
  it.each(SPEAKERS)('aborts an answer of $name that does not begin, or stalls', async (speaker) => {
    const late = await refusalOf(speaker, [{ hang: true }], { timeout: 0.3 });
    expect(late).toMatchObject({ code: 'LLMTimeoutError' });
    const idle = { stream: true, stream_idle_timeout: 0.3 };
    const stalled = await refusalOf(speaker, [{ text: 'one two three four', stallAfter: 4 }], idle);
    expect(stalled).toMatchObject({ code: 'LLMTimeoutError' });
  });

  it.each(SPEAKERS)('rejects a truncated answer of $name', async (speaker) => {
    const half = await refusalOf(speaker, [{ text: 'one two three four', endAfter: 4 }], STREAM);
    expect(half).toMatchObject({ code: 'LLMNoResponseError' });
    const broken = await refusalOf(speaker, [{ text: 'one two three four', breakAfter: 4 }], STREAM);
    expect(broken).toMatchObject({ code: 'LLMServiceUnavailableError' });
    const again = await askOnce(speaker, [{ text: 'one two three four', breakAfter: 4 }, { text: 'ok' }], {
      ...STREAM,
      num_retries: 2,
    });
    expect(again.answer.message.content).toEqual([textContent('ok')]);
  });

  it.each(SPEAKERS)(
    'reports an answer that $name withheld as a content policy violation',
    async (speaker) => {
      for (const stream of [false, true]) {
        const held = await refusalOf(speaker, [{ stop: 'content_filter' }, { text: 'never' }], {
          stream,
          num_retries: 2,
        });
        expect(held).toMatchObject({ code: BLOCKED });
        const cut = await askOnce(speaker, [{ text: 'As far as', stop: 'content_filter' }], { stream });
        expect(cut.answer.message.content).toEqual([textContent('As far as')]);
      }
    },
  );

  it.each([GEMINI, VERTEX_GEMINI])('reports a prompt that $name blocked', async (speaker) => {
    for (const stream of [false, true]) {
      const error = await refusalOf(speaker, [{ extra: { blocked: 'PROHIBITED_CONTENT' } }], { stream });
      expect(error).toMatchObject({ code: BLOCKED });
      expect(error.message).toContain('PROHIBITED_CONTENT');
    }
  });
});

describe('an error in the middle of a stream', () => {
  it.each<[Speaker, string, string, string]>([
    [ANTHROPIC, 'overloaded_error', 'Overloaded', 'LLMServiceUnavailableError'],
    [ANTHROPIC, 'api_error', 'Internal server error', 'LLMServiceUnavailableError'],
    [ANTHROPIC, 'rate_limit_error', 'slow', 'LLMRateLimitError'],
    [VERTEX_CLAUDE, 'overloaded_error', 'Overloaded', 'LLMServiceUnavailableError'],
  ])('reports an error in a stream: %j', async (speaker, type, message, code) => {
    const broken: Turn = { text: 'As far as', extra: { error: { type, message } } };
    const error = await refusalOf(speaker, [broken], STREAM);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(message);
    const again = await askOnce(speaker, [broken, { text: 'ok' }], { ...STREAM, num_retries: 2 });
    expect(again.answer.message.content).toEqual([textContent('ok')]);
  });

  it.each<[string, string, boolean]>([
    ['internalServerException', 'LLMServiceUnavailableError', true],
    ['modelStreamErrorException', 'LLMServiceUnavailableError', true],
    ['throttlingException', 'LLMRateLimitError', true],
    ['serviceUnavailableException', 'LLMServiceUnavailableError', true],
    ['modelTimeoutException', 'LLMTimeoutError', true],
    ['validationException', 'LLMBadRequestError', false],
  ])('reports an AWS exception in a stream: %s', async (exception, code, again) => {
    const broken: Turn = { text: 'As far as', extra: { exception } };
    const error = await refusalOf(BEDROCK, [broken], STREAM);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(`${exception} happened`);
    const twice = askOnce(BEDROCK, [broken, { text: 'ok' }], { ...STREAM, num_retries: 2 });
    if (again) expect((await twice).answer.message.content).toEqual([textContent('ok')]);
    else await expect(twice).rejects.toMatchObject({ code });
  });
});
