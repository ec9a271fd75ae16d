import type { JsonObject } from '../../json/index.js';
import { callChatCompletions, type ChatEndpoint } from '../protocols/chat/chat-completions.js';
import { ALL_ROLES, type ServiceDialect } from '../protocols/chat/chat-messages.js';
import { MISTRAL_CALL_ID, type CallIdForm } from '../protocols/call-ids.js';
import { apiKey, baseUrl, type ServiceAddress } from './credentials/environment.js';
import type { Provider, ProviderCall } from './provider.js';

/** A service with its own prefix and OpenAI's chat completions. */
interface CompatibleService extends ServiceAddress {
  /** LiteLLM's name of its errors, if not derived from the prefix. */
  errorFamily?: string;
  /** Field names of the output limit; the default is `max_tokens`. */
  limitFields?: ChatEndpoint['limitFields'];
  /** Whether it accepts `prompt_cache_key`; strict services reject unknown fields. */
  cacheKey?: boolean;
  /** Its models that accept `reasoning_effort`. */
  effort?: RegExp;
  dialect?: ServiceDialect;
  /** The tool call ids that it accepts, for strict services. */
  callIds?: CallIdForm;
  extraBody?: (call: ProviderCall) => JsonObject;
}

/**
 * Services by the prefix of model names. Addresses are those that the services document for OpenAI's clients;
 * variables have LiteLLM's names (https://docs.litellm.ai/docs/providers).
 */
const SERVICES: Readonly<Record<string, CompatibleService>> = {
  baseten: { url: 'https://inference.baseten.co/v1', keys: ['BASETEN_API_KEY'] },
  cerebras: {
    url: 'https://api.cerebras.ai/v1',
    keys: ['CEREBRAS_API_KEY'],
    bases: ['CEREBRAS_API_BASE'],
    effort: /gpt-oss/,
  },
  custom_openai: {
    url: null,
    keys: ['OPENAI_LIKE_API_KEY'],
    bases: ['OPENAI_LIKE_API_BASE'],
    cacheKey: true,
  },
  dashscope: {
    url: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    keys: ['DASHSCOPE_API_KEY'],
    bases: ['DASHSCOPE_API_BASE'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
    effort: /^qwen3/,
  },
  deepinfra: {
    url: 'https://api.deepinfra.com/v1/openai',
    keys: ['DEEPINFRA_API_KEY'],
    bases: ['DEEPINFRA_API_BASE'],
    dialect: { plainRoles: ['tool'] },
  },
  deepseek: {
    url: 'https://api.deepseek.com/v1',
    keys: ['DEEPSEEK_API_KEY'],
    bases: ['DEEPSEEK_API_BASE'],
    // DeepSeek documents `max_tokens` (https://api-docs.deepseek.com/api/create-chat-completion), LiteLLM
    // sends `max_completion_tokens`.
    limitFields: ['max_completion_tokens', 'max_tokens'],
    cacheKey: true,
    dialect: { plainRoles: ALL_ROLES, reasoningRequired: true },
    extraBody: ({ request }) => ({
      thinking: request.config.reasoning_effort === 'none' ? { type: 'disabled' } : { type: 'enabled' },
    }),
  },
  digitalocean: {
    errorFamily: 'OpenAIException',
    url: 'https://inference.do-ai.run/v1',
    keys: ['DIGITALOCEAN_INFERENCE_KEY', 'GRADIENT_AI_API_KEY'],
    limitFields: ['max_completion_tokens'],
  },
  featherless_ai: { url: 'https://api.featherless.ai/v1', keys: ['FEATHERLESS_AI_API_KEY'] },
  fireworks_ai: {
    url: 'https://api.fireworks.ai/inference/v1',
    keys: ['FIREWORKS_API_KEY', 'FIREWORKS_AI_API_KEY', 'FIREWORKSAI_API_KEY', 'FIREWORKS_AI_TOKEN'],
    bases: ['FIREWORKS_API_BASE'],
    cacheKey: true,
  },
  github: { url: 'https://models.github.ai/inference', keys: ['GITHUB_API_KEY'], cacheKey: true },
  groq: {
    url: 'https://api.groq.com/openai/v1',
    keys: ['GROQ_API_KEY'],
    bases: ['GROQ_API_BASE'],
    cacheKey: true,
    effort: /gpt-oss/,
  },
  hosted_vllm: {
    url: null,
    keys: ['HOSTED_VLLM_API_KEY'],
    bases: ['HOSTED_VLLM_API_BASE'],
    limitFields: ['max_completion_tokens'],
    dialect: { plainRoles: ['assistant'] },
    cacheKey: true,
    effort: /./,
  },
  huggingface: {
    url: 'https://router.huggingface.co/v1',
    keys: ['HF_TOKEN', 'HUGGINGFACE_API_KEY'],
    bases: ['HF_API_BASE', 'HUGGINGFACE_API_BASE'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
  },
  hyperbolic: { url: 'https://api.hyperbolic.xyz/v1', keys: ['HYPERBOLIC_API_KEY'] },
  lambda_ai: { url: 'https://api.lambda.ai/v1', keys: ['LAMBDA_API_KEY'] },
  llamafile: { url: 'http://127.0.0.1:8080/v1', keys: ['LLAMAFILE_API_KEY'], bases: ['LLAMAFILE_API_BASE'] },
  lm_studio: {
    url: 'http://127.0.0.1:1234/v1',
    keys: ['LM_STUDIO_API_KEY'],
    bases: ['LM_STUDIO_API_BASE'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
  },
  meta_llama: { url: 'https://api.llama.com/compat/v1', keys: ['LLAMA_API_KEY'] },
  minimax: {
    url: 'https://api.minimax.io/v1',
    keys: ['MINIMAX_API_KEY'],
    bases: ['MINIMAX_API_BASE'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
  },
  mistral: {
    url: 'https://api.mistral.ai/v1',
    keys: ['MISTRAL_API_KEY'],
    bases: ['MISTRAL_API_BASE', 'MISTRAL_AZURE_API_BASE'],
    callIds: MISTRAL_CALL_ID,
    // Mistral calls the seed `random_seed` and rejects other fields
    // (https://docs.mistral.ai/api/endpoint/chat).
    extraBody: ({ request }) => ({ seed: undefined, random_seed: request.config.seed ?? undefined }),
  },
  moonshot: {
    url: 'https://api.moonshot.ai/v1',
    keys: ['MOONSHOT_API_KEY'],
    bases: ['MOONSHOT_API_BASE'],
    cacheKey: true,
    dialect: { plainRoles: ALL_ROLES },
  },
  nebius: {
    url: 'https://api.studio.nebius.ai/v1',
    keys: ['NEBIUS_API_KEY'],
    bases: ['NEBIUS_API_BASE'],
    cacheKey: true,
  },
  novita: {
    url: 'https://api.novita.ai/v3/openai',
    keys: ['NOVITA_API_KEY'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
  },
  nvidia_nim: {
    url: 'https://integrate.api.nvidia.com/v1',
    keys: ['NVIDIA_NIM_API_KEY'],
    bases: ['NVIDIA_NIM_API_BASE'],
  },
  perplexity: {
    url: 'https://api.perplexity.ai',
    keys: ['PERPLEXITYAI_API_KEY', 'PERPLEXITY_API_KEY'],
    limitFields: ['max_completion_tokens'],
  },
  sambanova: {
    url: 'https://api.sambanova.ai/v1',
    keys: ['SAMBANOVA_API_KEY'],
    bases: ['SAMBANOVA_API_BASE'],
    dialect: { plainRoles: ALL_ROLES },
  },
  together_ai: {
    url: 'https://api.together.xyz/v1',
    keys: ['TOGETHER_API_KEY', 'TOGETHER_AI_API_KEY', 'TOGETHERAI_API_KEY', 'TOGETHER_AI_TOKEN'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
  },
  vercel_ai_gateway: {
    url: 'https://ai-gateway.vercel.sh/v1',
    keys: ['VERCEL_AI_GATEWAY_API_KEY', 'VERCEL_OIDC_TOKEN'],
    bases: ['VERCEL_AI_GATEWAY_API_BASE'],
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
  },
  volcengine: {
    url: 'https://ark.cn-beijing.volces.com/api/v3',
    keys: ['ARK_API_KEY', 'VOLCENGINE_API_KEY'],
    bases: ['VOLCENGINE_API_BASE'],
  },
  wandb: { url: 'https://api.inference.wandb.ai/v1', keys: ['WANDB_API_KEY'] },
  xai: {
    url: 'https://api.x.ai/v1',
    keys: ['XAI_API_KEY'],
    bases: ['XAI_API_BASE'],
    effort: /grok-3-mini/,
    dialect: { namelessTools: true },
  },
  zai: {
    url: 'https://api.z.ai/api/paas/v4',
    keys: ['ZAI_API_KEY'],
    bases: ['ZAI_API_BASE'],
    dialect: { plainRoles: ALL_ROLES },
  },
};

/** Providers by the prefix of model names. */
export const compatibleServices: Readonly<Record<string, Provider>> = Object.fromEntries(
  Object.entries(SERVICES).map(([prefix, service]) => [prefix, compatible(prefix, service)]),
);

function compatible(prefix: string, service: CompatibleService): Provider {
  return {
    errorFamily: service.errorFamily ?? `${prefix.charAt(0).toUpperCase()}${prefix.slice(1)}Exception`,
    callIds: service.callIds,
    call: async (call) =>
      callChatCompletions(call, {
        baseUrl: baseUrl(call, service),
        apiKey: apiKey(call, service),
        limitFields: service.limitFields ?? ['max_tokens'],
        cacheKey: service.cacheKey ?? false,
        effort: call.features.reasoningEffort && (service.effort?.test(call.model) ?? false),
        dialect: service.dialect,
        extraBody: service.extraBody?.(call),
      }),
  };
}
