export * from './marketplace.js';
export * from './plugin-folders.js';
export * from './plugin-source.js';
export { checkedPluginManifest, readPlugin, type Plugin } from './plugin.js';
