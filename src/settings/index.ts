export { AgentProfiles, type AgentProfile } from './agent-profiles/agent-profiles.js';
export { AgentProfilesService, checkedProfile } from './agent-profiles/agent-profiles.service.js';
export { LlmProfiles } from './llm-profiles/llm-profiles.js';
export { MetaProfiles } from './meta-profiles/meta-profiles.js';
export {
  DanglingConnectionError,
  MissingEntryError,
  ProfileNotFoundError,
  UnusableProfileError,
} from './settings-errors.js';
export { SettingsModule } from './settings.module.js';
export { type Settings, SettingsStore } from './user-settings/settings-store.js';
export { completeAgent } from './user-settings/complete-agent.js';
export { NoSuchEntryError } from './settings-errors.js';
export { UserSecrets } from './secrets/user-secrets.js';
export { AgentContextDto, type ToolDto, agentContext, tool } from './dto/agent-context.dto.js';
export { LLMDto, llm } from './dto/llm.dto.js';
export { McpServerDto, mcpServer } from './dto/mcp-server.dto.js';
export { toLlmConfig } from './dto/to-llm-config.js';
export { type MetaProfileDto, metaProfile } from './meta-profiles/meta-profile.dto.js';
export { VerificationSettingsDto } from './dto/verification-settings.dto.js';
export { NAME_IN_PATH, ProfileNamePipe } from './dto/profile-name.js';
export { hasSecret } from './dto/secret-text.js';
