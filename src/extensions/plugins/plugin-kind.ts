import { pluginFacts, readPluginManifest } from '../../agent/skills/plugins/index.js';
import { InvalidExtensionError } from '../installation/extension-errors.js';
import type { ExtensionFacts, ExtensionKind, ExtensionOrigin } from '../installation/extension-kind.js';

/** Folders in the layout of plugins. Any folder is one: without a manifest its name is that of the folder. */
export const PLUGIN_KIND: ExtensionKind = {
  directory: 'plugins',
  what: 'Plugin',
  enabledAtFirst: true,
  async describe(folder: string, { called }: ExtensionOrigin): Promise<ExtensionFacts> {
    let problem: string | undefined;
    const manifest = await readPluginManifest(folder, (_file, what) => (problem = what));
    if (manifest === undefined && problem !== undefined) {
      throw new InvalidExtensionError(`its manifest cannot be read: ${problem}`);
    }
    return pluginFacts(manifest ?? {}, called);
  },
};
