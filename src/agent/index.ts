export { Questions } from './agent-questions.js';
export { type AgentDriver, type AgentSession, type ItemStream, RunOverError } from './agent-session.js';
export type { AcpAgentSpec, AgentSpec, FileSecretSpec, ToolSpec } from './agent-spec.js';
export { AgentView, type BranchEvent, isBranchEvent, type ViewEvent } from './agent-view.js';
export {
  addUsage,
  applySummary,
  type ConversationStats,
  registerUsage,
  type StatsSummary,
  summarise,
} from './conversation-stats.js';
export { AGENT_MISTAKE, TOOL_FAULT } from './error-classification.js';
export {
  environmentMessage,
  errorReason,
  failedCalls,
  rejectionDraft,
  runErrorDraft,
  toolErrorDraft,
  userMessage,
} from './event-drafts.js';
export { type CondenserSpec, handlesRequests, summarizers } from './condenser/condenser-spec.js';
export { CondensationImpossibleError, type CondensingSession } from './condenser/condenser.js';
export { describeEvent } from './condenser/summary-prompt.js';
export { forgetRefinement } from './critics/critics.js';
export { shownHooks } from './hooks/hook-config.js';
export { type HookOutcome, Hooks, type HooksHost } from './hooks/hooks.js';
export { declinesMessage, mustGoOn } from './hooks/run-hooks.js';
export { AgentLoop, begins, CONDENSATION_REQUEST } from './loop/agent-loop.js';
export { latestImages } from './messages/image-references.js';
export { PromptFileError, type PromptFiles, readPromptFiles } from './prompt/prompt-files.js';
export type { SecretName } from './prompt/secrets-section.js';
export { systemPromptDraft } from './prompt/system-prompt.js';
export { analyse } from './security/analysis.js';
export { needsConfirmation } from './security/confirmation.js';
export { compilePattern, DEFAULT_PATTERNS } from './security/patterns.js';
export { ContextLoader, DEFAULT_LIST, wantsContext } from './skills/context-loader.js';
export { messageExtras, type MessageExtras, rulesFor, rulesIn } from './skills/message-extras.js';
export type { Repositories } from './skills/repositories.js';
export {
  firstByName,
  isInvocable,
  makeSkill,
  needsInvokeTool,
  type Skill,
  skillsOf,
  texts,
} from './skills/skill.js';
export {
  type AgentType,
  agentTypes,
  builtInTypes,
  MAX_ITERATIONS,
  policyOf,
} from './sub-agents/agent-type.js';
export { toolNames } from './sub-agents/claude-code-tools.js';
export { readProjectDefinitions, readUserDefinitions } from './sub-agents/definition-files.js';
export { INHERITED_MODEL, subAgentSpec } from './sub-agents/sub-agent-spec.js';
export { isBelow, type ListedExtension, publicFolder, readList } from './skills/files/public-skills.js';
export { readSkillFile, type Warn } from './skills/files/skill-folder.js';
export { sourceOf } from './skills/plugins/marketplace.js';
export { SourceError } from './skills/plugins/plugin-source.js';
export {
  checkedPluginManifest,
  type Plugin,
  pluginFacts,
  readPlugin,
  readPluginManifest,
} from './skills/plugins/plugin.js';
