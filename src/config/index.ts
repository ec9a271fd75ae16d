export { AppConfig, WebhookConfig, type ListenAddress } from './app-config.js';
export { configEntries, type ConfigEntry } from './config-entries.js';
export { ConfigError, describeProblem } from './config-error.js';
export type { ConfigSource } from './config-origin.js';
export { ConfigModule } from './config.module.js';
export { configSecrets, effectiveConfig } from './effective-config.js';
export type { Environment } from './environment.js';
export { usesContainers } from './validate-containers.js';
export { loadConfig, type LoadedConfig } from './load-config.js';
