export { AgentQuestions } from './agent-questions.js';
export {
  type AgentDriver,
  type AgentSession,
  type ItemStream,
  type OutputStream,
  type RunActivity,
  RunOverError,
} from './agent-session.js';
export type { AcpAgentSpec, AgentSpec, FileSecretSpec, ToolSpec } from './agent-spec.js';
export { AgentView, type BranchEvent, isBranchEvent, type ViewEvent } from './agent-view.js';
export {
  addUsage,
  applyStatsSummary,
  type ConversationStats,
  emptyMetrics,
  registerUsage,
  type StatsSummary,
  summarizeStats,
} from './conversation-stats.js';
export { AGENT_MISTAKE, classifyError, TOOL_FAULT } from './error-classification.js';
export {
  environmentMessage,
  errorReason,
  failedAcpCallDrafts,
  rejectionDraft,
  runErrorDraft,
  toolErrorDraft,
  userMessage,
} from './event-drafts.js';
export { canCondenseOnRequest, type CondenserSpec, summarizers } from './condenser/condenser-spec.js';
export { CondensationImpossibleError, type CondensationSession } from './condenser/condenser.js';
export { describeEvent, isSummaryRequest } from './condenser/summary-prompt.js';
export { withoutRefinementCount } from './critics/critics.js';
export { hookConfigForEvent } from './hooks/hook-config.js';
export { type HookOutcome, type HookRuntime, Hooks } from './hooks/hooks.js';
export { finishIfMessageBlocked, runStopHooks } from './hooks/run-hooks.js';
export { AgentLoop, beginRun, CONDENSATION_REQUEST } from './loop/agent-loop.js';
export { latestImages } from './messages/image-references.js';
export { PromptFileError, type PromptFiles, readPromptFiles } from './prompt/prompt-files.js';
export type { SecretName } from './prompt/secrets-section.js';
export { systemPromptDraft } from './prompt/system-prompt.js';
export { analyseActions } from './security/analysis.js';
export { needsConfirmation } from './security/confirmation.js';
export { compilePattern, DEFAULT_PATTERNS } from './security/patterns.js';
export { ContextLoader, DEFAULT_MARKETPLACE, needsContext } from './skills/context-loader.js';
export { messageExtras, type MessageExtras, pathRulesFor, pathRulesIn } from './skills/message-extras.js';
export type { Repositories } from './skills/repositories.js';
export {
  firstByName,
  isInvocable,
  makeSkill,
  needsInvokeTool,
  type Skill,
  skillsOf,
  stringsIn,
} from './skills/skill.js';
export {
  type AgentType,
  agentTypes,
  builtInTypes,
  confirmationPolicyOf,
  DEFAULT_MAX_ITERATIONS,
} from './sub-agents/agent-type.js';
export { mapToolNames } from './sub-agents/claude-code-tools.js';
export { readProjectDefinitions, readUserDefinitions } from './sub-agents/definition-files.js';
export { INHERITED_MODEL, subAgentSpec } from './sub-agents/sub-agent-spec.js';
export {
  isInPart,
  type ListedExtension,
  publicSkillsFolder,
  readMarketplaceFile,
} from './skills/files/public-skills.js';
export { readSkillFile, type Warn } from './skills/files/skill-folder.js';
export { toPluginSource } from './skills/plugins/marketplace.js';
export { PluginSourceError } from './skills/plugins/plugin-source.js';
export {
  checkedPluginManifest,
  type Plugin,
  pluginMetadata,
  readPlugin,
  readPluginManifest,
} from './skills/plugins/plugin.js';
