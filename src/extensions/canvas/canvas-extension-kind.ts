import type { ExtensionMetadata, ExtensionKind } from '../installation/extension-kind.js';
import { readCanvasManifest } from './canvas-manifest.js';

/**
 * Pages that the web UI shows. They run with the rights of who looks at them: none is in use before somebody
 * says so.
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
