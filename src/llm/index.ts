export * from './llm.js';
export type * from './request/llm-config.js';
export * from './errors/llm-error.js';
export * from './llm.module.js';
export { CATALOGUE_SOURCE, catalogueModels } from './catalogue/model-catalogue.js';
export { nameProblem, providerNames } from './providers/index.js';
export { prepareCalls } from './transport/prepare-calls.js';
export type { CompletionLog } from './completion-log.js';
