import type { ExtensionMetadata, ExtensionKind } from '../installation/extension-kind.js';
import { readCanvasManifest } from './canvas-manifest.js';

/**
 * Canvas extensions add pages to the web UI. They run with the user's rights, so they are disabled until the
 * user enables them.
 */
export const CANVAS_EXTENSION_KIND: ExtensionKind = {
  directory: 'canvas-extensions',
  label: 'Canvas extension',
  enabledByDefault: false,
  async describe(folder: string): Promise<ExtensionMetadata> {
    const { name, version, description } = (await readCanvasManifest(folder)).manifest;
    return { name, version, description };
  },
};
