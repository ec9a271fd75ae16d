import { isInside } from '../../files/index.js';
import type { ConfinementScope, FileRules } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import { realScope } from '../real-scope.js';
import { shownOf } from './guarded-mounts.js';

const HIDDEN = 'it belongs to the server, and agents do not see it.';
const READ_ONLY = 'it may only be read.';

/** The rules of a guarded sandbox for tools inside this process: what its mounts say. */
export class ServerFileRules implements FileRules {
  constructor(
    private readonly server: ServerFiles,
    private readonly scope: ConfinementScope,
  ) {}

  refusal(realPath: string, access: 'read' | 'write'): string | undefined {
    if (!this.server.isHidden(realPath)) {
      // Moving the parent of a hidden folder would show it under another name.
      return access === 'write' && this.server.isAbove(realPath)
        ? 'the server keeps its files below it.'
        : undefined;
    }
    const shown = shownOf(this.server, realScope(this.scope)).find(({ path: folder }) =>
      isInside(folder, realPath),
    );
    if (!shown) return HIDDEN;
    return access === 'write' && !shown.writable ? READ_ONLY : undefined;
  }
}
