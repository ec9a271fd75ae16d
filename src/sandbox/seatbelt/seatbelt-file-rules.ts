import { isInside, type FileRules } from '../../files/index.js';
import { ServerFileRules } from '../bubblewrap/server-file-rules.js';
import type { ServerFiles } from '../server-files.js';
import { hiddenHomes, type ProfileParts } from './profile.js';

/** The rules of a profile for tools inside the process of the server. */
export class SeatbeltFileRules implements FileRules {
  constructor(
    private readonly server: ServerFiles,
    private readonly parts: () => ProfileParts,
  ) {}

  refusal(file: string, access: 'read' | 'write'): string | undefined {
    const { shown, workspace } = this.parts();
    const hidden = new ServerFileRules(this.server, () => shown).refusal(file, access);
    if (hidden !== undefined || !workspace) return hidden;
    const around = [...workspace.visible, ...shown].filter((folder) => isInside(folder.path, file));
    if (around.some(({ writable }) => writable)) return undefined;
    if (access === 'write') return 'only the workspace and the folders of this conversation may be changed.';
    if (around.length > 0 || !hiddenHomes().some((folder) => isInside(folder, file))) return undefined;
    return 'only the workspace, the folders of this conversation and the system are visible.';
  }
}
