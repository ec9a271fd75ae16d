import { checkedPluginManifest, pluginMetadata, PluginSourceError } from '../../agent/index.js';
import { InvalidExtensionError } from '../installation/extension-errors.js';
import type { ExtensionMetadata, ExtensionKind, ExtensionOrigin } from '../installation/extension-kind.js';

/** Plugins. Any folder is valid: without a manifest it is named after its folder. */
export const PLUGIN_KIND: ExtensionKind = {
  directory: 'plugins',
  label: 'Plugin',
  enabledByDefault: true,
  async describe(folder: string, { folderName }: ExtensionOrigin): Promise<ExtensionMetadata> {
    try {
      return pluginMetadata((await checkedPluginManifest(folder)) ?? {}, folderName);
    } catch (error) {
      if (!(error instanceof PluginSourceError)) throw error;
      // Without the path, which is temporary.
      const reason = error.message.slice(folder.length + 1);
      throw new InvalidExtensionError(`invalid manifest: ${reason}`);
    }
  },
};
