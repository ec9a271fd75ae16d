import { isInside, type FileRules } from '../../files/index.js';
import type { ShownFolder } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';

const HIDDEN = 'it belongs to the server, and agents do not see it.';
const READ_ONLY = 'it may only be read.';
const ABOVE = 'the server keeps its files below it.';

/** The rules of a guarded sandbox for tools inside this process: what its mounts say. */
export class ServerFileRules implements FileRules {
  /** @param shown what agents are meant to use of the folders of the server (real paths) */
  constructor(
    private readonly server: ServerFiles,
    private readonly shown: () => readonly ShownFolder[],
  ) {}

  refusal(realPath: string, access: 'read' | 'write'): string | undefined {
    if (!this.server.isHidden(realPath)) {
      // Moving the parent of a hidden folder would show it under another name.
      return access === 'write' && this.server.isAbove(realPath) ? ABOVE : undefined;
    }
    const shown = this.shown().find(({ path: folder }) => isInside(folder, realPath));
    if (!shown) return HIDDEN;
    return access === 'write' && !shown.writable ? READ_ONLY : undefined;
  }

  /** Whether a real path is in a folder of the server that agents are meant to use. */
  isShown(realPath: string): boolean {
    return this.shown().some(({ path: folder }) => isInside(folder, realPath));
  }
}
