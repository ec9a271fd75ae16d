import { isBlank } from '../../../../crypto/index.js';
import { toPlain } from '../../../../http/index.js';
import type { LLMDto, VerificationSettingsDto } from '../../../../settings/index.js';
import { isJsonObject, type JsonObject } from '../../../../json/index.js';
import { parseUrl } from '../../../../text/index.js';
import { APIBasedCriticDto } from './agent.dto.js';

/** Creates the critic that settings enable; null if it is disabled or has no API key. */
export function criticFromSettings(
  verification: VerificationSettingsDto,
  llm: Pick<LLMDto, 'model' | 'base_url' | 'api_key'>,
): JsonObject | null {
  const key = verification.critic_enabled ? criticKey(verification, llm) : null;
  if (key === null) return null;
  const { critic_server_url: url, critic_model_name: name, critic_mode: mode } = verification;
  const critic = new APIBasedCriticDto();
  const plain: unknown = toPlain(
    Object.assign(critic, {
      api_key: key,
      mode,
      ...(url !== null && { server_url: url }),
      ...(name !== null && { model_name: name }),
      iterative_refinement: verification.enable_iterative_refinement
        ? {
            success_threshold: verification.critic_threshold,
            max_iterations: verification.max_refinement_iterations,
          }
        : null,
    }),
  );
  return isJsonObject(plain) ? plain : null;
}

/**
 * Without a key of its own, the critic uses the model's key. The default service (All Hands) only gets a key
 * that is meant for All Hands.
 */
function criticKey(
  { critic_api_key: own, critic_server_url: url }: VerificationSettingsDto,
  { model, base_url, api_key }: Pick<LLMDto, 'model' | 'base_url' | 'api_key'>,
): string | null {
  if (!isBlank(own)) return own;
  const isAllowed = url !== null || model.startsWith('openhands/') || isAllHands(base_url);
  return isAllowed && !isBlank(api_key) ? api_key : null;
}

function isAllHands(address: string | null): boolean {
  const url = parseUrl(address ?? '');
  return url?.protocol === 'https:' && url.hostname.endsWith('.all-hands.dev');
}
