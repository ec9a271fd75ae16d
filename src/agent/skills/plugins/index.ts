export * from './marketplace.js';
export * from './plugin-folders.js';
export * from './plugin-source.js';
export {
  checkedPluginManifest,
  pluginMetadata,
  readPlugin,
  readPluginManifest,
  type Plugin,
} from './plugin.js';
