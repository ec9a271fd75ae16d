export {
  InvalidProfileNameError,
  LlmProfiles,
  ProfileNotFoundError,
  UnusableProfileError,
} from './llm-profiles.js';
export { SettingsModule } from './settings.module.js';
