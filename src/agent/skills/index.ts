export * from './context-loader.js';
export * from './message-extras.js';
export * from './skill.js';
export type { Repositories } from './repositories.js';
