export * from './llm.js';
export type * from './llm-config.js';
export * from './llm-error.js';
export * from './llm.module.js';
export { CATALOGUE_SOURCE, catalogueModels } from './model-catalogue.js';
export { nameProblem, providerNames } from './providers/index.js';
export { prepareCalls } from './prepare-calls.js';
export type { CompletionLog } from './completion-log.js';
