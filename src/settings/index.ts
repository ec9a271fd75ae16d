export { AgentProfiles, type AgentProfile } from './agent-profiles.js';
export { LlmProfiles } from './llm-profiles.js';
export { InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError } from './settings-errors.js';
export { SettingsModule } from './settings.module.js';
export { SettingsStore } from './settings-store.js';
