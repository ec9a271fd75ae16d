export { AgentProfiles, type AgentProfile } from './agent-profiles.js';
export { AgentProfilesService, checkedProfile } from './agent-profiles.service.js';
export { LlmProfiles } from './llm-profiles.js';
export { MetaProfiles } from './meta-profiles.js';
export {
  DanglingConnectionError,
  InvalidProfileNameError,
  MissingEntryError,
  ProfileNotFoundError,
  UnusableProfileError,
} from './settings-errors.js';
export { SettingsModule } from './settings.module.js';
export { SettingsStore } from './settings-store.js';
export { completeAgent } from './stored-agent.js';
export { NoSuchEntryError } from './settings-errors.js';
export { UserSecrets } from './user-secrets.js';
