import { type AgentSpec, summarizers } from '../../agent/index.js';
import { isBlank } from '../../crypto/index.js';
import { ForbiddenError } from '../conversation-errors.js';
import type { LlmConfig } from '../../llm/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import { secretSources } from '../secrets/secret-sources.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { RequestedConversation } from '../state/start-request.js';

/** Prompts that the server brings along; other names are files of the machine. */
const PROMPTS = ['system_prompt.j2', 'system_prompt_planning.j2'];
const POLICIES = ['security_policy.j2', ''];
/** What would read files of the user who runs the server, or follow links out of the workspace. */
const CONTEXT_SWITCHES = [
  'load_user_skills',
  'load_public_skills',
  'load_project_skills',
  'load_memory',
] as const;

/** Whether a conversation belongs to a key whose reach is `own`: then it has that key's folder as bounds. */
export function isOwnKeys({ workspace_root }: Pick<ConversationState, 'workspace_root'>): boolean {
  return workspace_root !== undefined;
}

/**
 * Checks a model that a request of such a key describes itself: without a key of its own the server would use
 * those of its environment, and send them to an address of the request.
 * @throws ForbiddenError
 */
export function assertOwnModel(llm: LlmConfig): void {
  const problem = ownModelProblem(llm);
  if (problem !== undefined) throw new ForbiddenError(`${problem} ${CURE}`);
}

const CURE =
  'A key that reaches its own conversations only brings the keys of its models along, or uses an LLM profile that ' +
  '`own_keys_llm_profiles` names.';

/** Why a model uses what belongs to the user who runs the server; undefined if it does not. */
export function ownModelProblem(llm: LlmConfig): string | undefined {
  const { model, api_key, provider_connection_id, auth_type, log_completions, fallback_strategy } = llm;
  if (provider_connection_id !== null) return 'A provider connection of the server may not be used.';
  if (auth_type !== 'api_key' || llm.is_subscription) return 'The sign-in of the server may not be used.';
  if (log_completions) return 'Completions may not be logged.';
  if ((fallback_strategy?.fallback_llms.length ?? 0) > 0) return 'Stored profiles may not be fallbacks.';
  if ([llm.aws_profile_name, llm.aws_role_name].some((name) => name !== null))
    return 'AWS profiles and roles of the server may not be used.';
  if (model.startsWith('scripted/')) return undefined;
  if (/^(vertex_ai|vertex_ai_beta|sagemaker)/.test(model))
    return `Models of ${model.split('/')[0]} sign in with the machine's account.`;
  // The mask stands for no value, too.
  if (isBlank(api_key)) return `The model ${model} has no \`api_key\`.`;
  return undefined;
}

/**
 * Checks the critic of a request, which names its address: without a key of its own it would be sent that of
 * the stored model.
 * @throws ForbiddenError
 */
function assertOwnCritic({ critic, llm }: Pick<AgentSpec, 'critic' | 'llm'>, isStored: boolean): void {
  if (!isStored || critic?.['api_key'] !== llm.api_key) return;
  throw new ForbiddenError(
    'The key of a stored LLM profile may not be sent to a critic. Give the critic a key of its own.',
  );
}

/** @throws ForbiddenError for a secret that the server would fetch, from inside its own network */
export function assertOwnSecrets(secrets: Readonly<Record<string, JsonObject>>): void {
  for (const [name, source] of Object.entries(secrets)) {
    if (source['kind'] === 'LookupSecret')
      throw new ForbiddenError(
        `Secret ${name}: the server looks up no secrets for this key. Send its value.`,
      );
  }
}

/**
 * An agent profile comes with the models of its meta-profile and the key of its critic. The tool that chooses
 * between the models stays only if the key may use all of them.
 */
function withoutOthersModels(agent: AgentSpec, allowed: readonly string[]): AgentSpec {
  const isAllowed = ({ params }: AgentSpec['tools'][number]): boolean =>
    Object.keys(asJsonObject(params['meta_profile_llms'])).every((name) => allowed.includes(name));
  return { ...agent, tools: agent.tools.filter(isAllowed), critic: null };
}

/**
 * Checks what a conversation of such a key asks for, and leaves out what would come from the user who runs
 * the server.
 * @param profiles the stored LLM profiles that such keys may use
 * @throws ForbiddenError naming what it may not use
 */
export function restrict(request: RequestedConversation, profiles: readonly string[]): RequestedConversation {
  const { launched_agent_profile: launched, rest } = request;
  const agent = launched === null ? request.agent : withoutOthersModels(request.agent, profiles);
  if (Array.isArray(rest['plugins']) && rest['plugins'].length > 0)
    throw new ForbiddenError('Plugins may not be loaded with this key: they are read by the server.');
  if (request.worktree)
    throw new ForbiddenError('Worktrees are outside the folder of this key. Leave out `worktree`.');
  if (
    !PROMPTS.includes(agent.system_prompt_filename) ||
    !POLICIES.includes(agent.security_policy_filename ?? '')
  )
    throw new ForbiddenError(
      'Prompt files of the server may not be read with this key. Use `system_prompt`.',
    );
  assertOwnSecrets(request.secrets);
  assertOwnSecrets(secretSources({ secrets: {}, agent }));
  if (agent.kind === 'Agent') {
    if (launched === null) assertOwnCritic(agent, request.storedModel === true);
    if (request.storedModel !== true) assertOwnModel(agent.llm);
    for (const { llm } of summarizers(agent.condenser))
      if (request.storedModel !== true || llm.model !== agent.llm.model) assertOwnModel(llm);
  }
  if (!isJsonObject(agent.agent_context)) return { ...request, agent };
  const off = Object.fromEntries(CONTEXT_SWITCHES.map((name) => [name, false]));
  const agent_context = { ...agent.agent_context, ...off, registered_marketplaces: [] };
  return { ...request, agent: { ...agent, agent_context } };
}
