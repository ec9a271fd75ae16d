import {
  checkedPluginManifest,
  pluginMetadata,
  PluginSourceError,
} from '../../agent/skills/plugins/index.js';
import { InvalidExtensionError } from '../installation/extension-errors.js';
import type { ExtensionMetadata, ExtensionKind, ExtensionOrigin } from '../installation/extension-kind.js';

/** Folders in the layout of plugins. Any folder is one: without a manifest its name is that of the folder. */
export const PLUGIN_KIND: ExtensionKind = {
  directory: 'plugins',
  label: 'Plugin',
  enabledByDefault: true,
  async describe(folder: string, { folderName: called }: ExtensionOrigin): Promise<ExtensionMetadata> {
    try {
      return pluginMetadata((await checkedPluginManifest(folder)) ?? {}, called);
    } catch (error) {
      if (!(error instanceof PluginSourceError)) throw error;
      // Not the path: it is a temporary one.
      const reason = error.message.slice(folder.length + 1);
      throw new InvalidExtensionError(`its manifest cannot be used: ${reason}`);
    }
  },
};
