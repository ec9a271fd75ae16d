import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Llm, type LlmConfig, LlmError } from '../../llm/index.js';
import { ModelProfiles } from '../profiles/model-profiles.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import type { ConversationState } from '../state/conversation-state.js';
import { isOwnKeys, ownModelProblem } from './own-key-rules.js';

/** What says where a call goes and whose account it uses, besides the key itself. */
const ACCOUNT = [
  ...['model', 'base_url', 'api_version', 'ollama_base_url', 'extra_headers', 'litellm_extra_body'],
  ...['provider_connection_id', 'auth_type', 'is_subscription', 'subscription_vendor', 'log_completions'],
  ...['aws_access_key_id', 'aws_region_name', 'aws_profile_name', 'aws_role_name'],
  ...['aws_bedrock_runtime_endpoint', 'fallback_strategy'],
] as const satisfies readonly (keyof LlmConfig)[];

/**
 * The last check before a model is called for a conversation of a key that reaches its own only, wherever its
 * config comes from: a request, a sub-agent, a hook, or a stored state that has lost its keys. Without a key
 * of its own, the server would send those of its environment to an address of the request.
 */
@Injectable()
export class OwnModels {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly profiles: ModelProfiles,
    private readonly config: AppConfig,
    models: Llm,
  ) {
    models.setModelGuard((config, conversationId) => this.check(config, conversationId));
  }

  /** @throws LlmError */
  private async check(config: LlmConfig, conversationId: string): Promise<void> {
    const state = this.registry.opened(conversationId)?.state;
    if (!state || !isOwnKeys(state)) return;
    const problem = ownModelProblem(config);
    if (problem === undefined || (await this.isAllowedProfile(config, state))) return;
    throw new LlmError(
      'LLMAuthenticationError',
      `${problem} This conversation belongs to a key with the reach 'own'.`,
      403,
    );
  }

  private async isAllowedProfile(config: LlmConfig, state: ConversationState): Promise<boolean> {
    for (const name of this.config.own_keys_llm_profiles) {
      const stored = await this.profiles.load(name, state).catch(() => undefined);
      if (stored && ACCOUNT.every((field) => isDeepStrictEqual(stored[field], config[field]))) return true;
    }
    return false;
  }
}
