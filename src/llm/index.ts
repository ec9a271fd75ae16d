export * from './llm.js';
export type * from './llm-config.js';
export * from './llm-error.js';
export * from './llm.module.js';
export { CATALOGUE_SOURCE } from './model-catalogue.js';
export { nameProblem } from './providers/index.js';
