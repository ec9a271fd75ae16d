export * from './llm.js';
export type * from './request/llm-request.js';
export type * from './request/llm-config.js';
export * from './errors/llm-error.js';
export { LlmModule, LlmSubstitute } from './llm.module.js';
export { modelFeatures } from './catalogue/model-features.js';
export { CATALOGUE_SOURCE, catalogueModels, describeModel } from './catalogue/model-catalogue.js';
export { nameProblem, providerNames } from './providers/route-model.js';
export { prepareCalls } from './transport/prepare-calls.js';
