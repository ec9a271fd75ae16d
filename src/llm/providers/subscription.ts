import { isJsonObject, type JsonObject } from '../../json/index.js';
import { LlmError } from '../errors/llm-error.js';
import { callResponses } from '../protocols/responses.js';
import { fromEnvironment } from './credentials/environment.js';
import type { ProviderAnswer, ProviderCall } from './provider.js';

/**
 * The address of a ChatGPT subscription's models. The `base_url` of a model is never used, because the token
 * must not be sent elsewhere.
 */
const ADDRESS = 'https://chatgpt.com/backend-api/codex';
const ADDRESS_VARIABLES = ['CHATGPT_CODEX_BASE_URL'];
/** The claim of an access token with the account. */
const ACCOUNT_CLAIM = 'https://api.openai.com/auth';

/**
 * Calls a model of a ChatGPT subscription. The service supports only streams, and no output limit.
 * @throws LlmError `LLMAuthenticationError` if nobody is signed in
 */
export async function callSubscription(call: ProviderCall): Promise<ProviderAnswer> {
  const token = await call.subscriptionToken();
  if (token === undefined) {
    const text =
      'litellm.AuthenticationError: OpenAIException - nobody is signed in with a ChatGPT subscription.';
    throw new LlmError('LLMAuthenticationError', text, 401);
  }
  const { request } = call;
  const account = accountOf(token);
  const hasSystem = request.messages.some(({ role }) => role === 'system');
  const streamed: ProviderCall = {
    ...call,
    request: { ...request, config: { ...request.config, stream: true } },
  };
  const body: JsonObject = {
    ...{ max_output_tokens: undefined, prompt_cache_retention: undefined },
    ...(!hasSystem && { instructions: 'You are a helpful assistant.' }),
  };
  return callResponses(streamed, {
    baseUrl: fromEnvironment(ADDRESS_VARIABLES) ?? ADDRESS,
    headers: {
      authorization: `Bearer ${token}`,
      'openai-beta': 'responses=experimental',
      originator: 'codex_cli_rs',
      ...(account !== undefined && { 'chatgpt-account-id': account }),
    },
    extraBody: body,
  });
}

/** The account in a token. It is not verified here; the service does that. */
function accountOf(token: string): string | undefined {
  const [, payload = ''] = token.split('.');
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const auth: unknown = isJsonObject(claims) ? claims[ACCOUNT_CLAIM] : undefined;
    const id = isJsonObject(auth) ? auth['chatgpt_account_id'] : undefined;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
