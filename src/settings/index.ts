export { AgentProfiles, type AgentProfile } from './agent-profiles/agent-profiles.js';
export { AgentProfilesService, checkedProfile } from './agent-profiles/agent-profiles.service.js';
export { LlmProfiles } from './llm-profiles/llm-profiles.js';
export { MetaProfiles } from './meta-profiles/meta-profiles.js';
export {
  DanglingConnectionError,
  InvalidProfileNameError,
  MissingEntryError,
  ProfileNotFoundError,
  UnusableProfileError,
} from './settings-errors.js';
export { SettingsModule } from './settings.module.js';
export { SettingsStore } from './user-settings/settings-store.js';
export { completeAgent } from './user-settings/complete-agent.js';
export { NoSuchEntryError } from './settings-errors.js';
export { UserSecrets } from './secrets/user-secrets.js';
