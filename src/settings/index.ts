export { AgentProfiles, type AgentProfile } from './agent-profiles.js';
export {
  InvalidProfileNameError,
  LlmProfiles,
  ProfileNotFoundError,
  UnusableProfileError,
} from './llm-profiles.js';
export { SettingsModule } from './settings.module.js';
