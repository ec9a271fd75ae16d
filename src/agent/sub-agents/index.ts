export * from './agent-type.js';
