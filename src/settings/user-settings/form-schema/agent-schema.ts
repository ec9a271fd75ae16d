import { fieldsOf } from '../../../http/index.js';
import { AgentContextDto } from '../../dto/agent-context.dto.js';
import { ACPAgentSettingsDto, OpenHandsAgentSettingsDto } from '../../dto/agent-settings.dto.js';
import { LLMSummarizingCondenserSettingsDto } from '../../dto/condenser-settings.dto.js';
import { LLMDto } from '../../dto/llm.dto.js';
import { VerificationSettingsDto } from '../../dto/verification-settings.dto.js';
import { type FieldHints, createSection, type SettingsSchema } from './form-schema.js';

/** The form of the agent settings. Keys, labels and order are the original's. */
export function agentSchema(): SettingsSchema {
  return {
    model_name: 'AgentSettings',
    sections: [general(), model(), memory(), condenser(), verification(), acp()],
  };
}

const openhands = { variant: 'openhands', isOfVariant: true } as const;

function general() {
  return createSection({
    ...{ key: 'general', label: 'General', variant: 'openhands', isOfVariant: false },
    ...{ dto: OpenHandsAgentSettingsDto, prefix: '', prominence: 'major' },
    names: [
      'agent',
      'tools',
      'enable_classify_and_switch_llm_tool',
      'active_meta_profile',
      'tool_concurrency_limit',
      'mcp_config',
    ],
    hints: {
      enable_classify_and_switch_llm_tool: {
        label: 'Enable intelligent model routing tool',
        prominence: 'minor',
      },
      active_meta_profile: { label: 'Active meta-profile', prominence: 'minor' },
      tool_concurrency_limit: { label: 'Parallel tool calls' },
      mcp_config: { label: 'MCP servers', prominence: 'minor' },
    },
  });
}

/** Set with profiles, not in this form. */
const NOT_SHOWN = new Set(['fallback_strategy']);

/** The original's form has no texts for the fields of AWS; clients show the labels alone. */
function withoutText(names: readonly string[]): Record<string, FieldHints> {
  const hints: FieldHints = { description: null };
  return Object.fromEntries(names.filter((name) => name.startsWith('aws_')).map((name) => [name, hints]));
}

function model() {
  const names = [...fieldsOf(LLMDto).keys()].filter((name) => !NOT_SHOWN.has(name));
  return createSection({
    ...{ key: 'llm', label: 'LLM', ...openhands, dto: LLMDto, prefix: 'llm.', prominence: 'minor' },
    names,
    hints: {
      ...withoutText(names),
      model: { prominence: 'critical' },
      api_key: { prominence: 'critical' },
      provider_connection_id: { prominence: 'major' },
      auth_type: { label: 'Authentication', prominence: 'critical' },
      subscription_vendor: {
        label: 'Subscription provider',
        prominence: 'critical',
        depends_on: ['auth_type'],
      },
      base_url: { prominence: 'major' },
      // The possible values depend on the model.
      reasoning_effort: { choices: [] },
    },
  });
}

function memory() {
  return createSection({
    ...{ key: 'agent_context', label: 'Memory', ...openhands },
    ...{ dto: AgentContextDto, prefix: 'agent_context.', prominence: 'major' },
    names: ['load_memory'],
    hints: { load_memory: { label: 'Persistent memory' } },
  });
}

function condenser() {
  const whenEnabled = (label: string): FieldHints => ({ label, depends_on: ['enabled'] });
  return createSection({
    ...{ key: 'condenser', label: 'Condenser', ...openhands },
    ...{ dto: LLMSummarizingCondenserSettingsDto, prefix: 'condenser.', prominence: 'minor' },
    names: [...fieldsOf(LLMSummarizingCondenserSettingsDto).keys()],
    hints: {
      condenser_kind: { choices: ['llm_summarizing', 'no_op'] },
      enabled: { label: 'Enable memory condensation', prominence: 'critical' },
      max_size: whenEnabled('Max size'),
      max_tokens: whenEnabled('Max tokens'),
      keep_first: whenEnabled('Keep first'),
      minimum_progress: whenEnabled('Minimum progress'),
      hard_context_reset_max_retries: whenEnabled('Hard reset retries'),
      hard_context_reset_context_scaling: whenEnabled('Hard reset scaling'),
    },
  });
}

function verification() {
  const critic = ['critic_enabled'];
  const refined = ['critic_enabled', 'enable_iterative_refinement'];
  return createSection({
    ...{ key: 'verification', label: 'Verification', ...openhands },
    ...{ dto: VerificationSettingsDto, prefix: 'verification.', prominence: 'minor' },
    names: [...fieldsOf(VerificationSettingsDto).keys()],
    hints: {
      critic_enabled: { label: 'Enable critic', prominence: 'critical' },
      critic_mode: { label: 'Critic mode', depends_on: critic },
      enable_iterative_refinement: {
        label: 'Enable iterative refinement',
        prominence: 'critical',
        depends_on: critic,
      },
      critic_threshold: { label: 'Critic threshold', depends_on: refined },
      max_refinement_iterations: { label: 'Max refinement iterations', depends_on: refined },
      critic_server_url: { label: 'Critic server URL', depends_on: critic },
      critic_model_name: { label: 'Critic model name', depends_on: critic },
      critic_api_key: { label: 'Critic API Key', prominence: 'critical', depends_on: critic },
    },
  });
}

function acp() {
  return createSection({
    ...{ key: 'acp', label: 'ACP (Agent Client Protocol)', variant: 'acp', isOfVariant: true },
    ...{ dto: ACPAgentSettingsDto, prefix: '', prominence: 'minor' },
    names: [
      'acp_server',
      'acp_command',
      'acp_args',
      'acp_model',
      'acp_session_mode',
      'acp_prompt_timeout',
      'acp_startup_timeout',
    ],
    hints: {
      acp_server: { label: 'ACP server', prominence: 'critical' },
      acp_command: { label: 'ACP command (custom override)' },
      acp_args: { label: 'ACP extra args' },
      acp_model: { label: 'ACP model', prominence: 'critical' },
      acp_session_mode: { label: 'ACP session mode' },
      acp_prompt_timeout: { label: 'ACP prompt inactivity timeout (seconds)' },
      acp_startup_timeout: { label: 'ACP startup timeout (seconds)' },
    },
  });
}
