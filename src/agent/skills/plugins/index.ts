export * from './marketplace.js';
export * from './plugin-source.js';
export { readPlugin, type Plugin } from './plugin.js';
