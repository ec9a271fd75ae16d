import os from 'node:os';
import path from 'node:path';
import { isInside, type FileRules } from '../../files/index.js';
import { realPath, type RealPaths } from '../real-paths.js';
import type { ConfinementScope } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import type { ConfiguredFolders } from '../trial.js';
import { ServerFileRules } from './server-file-rules.js';
import {
  privateFolders,
  secretsOfSystem,
  shownInWorkspaceMode,
  systemFolders,
  visibleFolders,
} from './workspace-mounts.js';

/** The rules of the mode `workspace` for tools inside this process: what its mounts say. */
export class WorkspaceFileRules implements FileRules {
  private readonly serverRules: ServerFileRules;

  constructor(
    private readonly server: ServerFiles,
    private readonly scope: ConfinementScope,
    private readonly configured: ConfiguredFolders,
    private readonly paths: RealPaths,
  ) {
    this.serverRules = new ServerFileRules(server, () => shownInWorkspaceMode(server, paths.scope(scope)));
  }

  refusal(file: string, access: 'read' | 'write'): string | undefined {
    const scope = this.paths.scope(this.scope);
    const own = privateFolders(scope);
    if (own && [own.tmp, own.home].some((folder) => isInside(folder, file))) return undefined;
    const hidden = this.serverRules.refusal(file, access);
    if (hidden !== undefined) return hidden;
    const isIn = (folders: readonly string[]): boolean => folders.some((folder) => isInside(folder, file));
    const around = visibleFolders(this.server, scope, this.configured).filter((folder) =>
      isInside(folder.path, file),
    );
    // Of mounts, the innermost one counts, and of two at the same path the later one.
    const seen = around.toSorted((one, other) => one.path.length - other.path.length).at(-1);
    if (seen?.writable === true) return undefined;
    if (access === 'write') return 'only the workspace and /tmp may be changed.';
    const { files, folders } = secretsOfSystem();
    if (files.includes(file) || isIn(folders)) return 'only root may read it.';
    return seen !== undefined || isIn(systemFolders()) || this.serverRules.isShown(file)
      ? undefined
      : 'only the workspace, /tmp and the system are visible.';
  }

  onMachine(file: string): string {
    const own = privateFolders(this.paths.scope(this.scope));
    if (!own || this.isElsewhere(file)) return file;
    for (const [seen, real] of [
      ['/tmp', own.tmp],
      ['/var/tmp', own.tmp],
      [os.homedir(), own.home],
    ] as const) {
      if (isInside(seen, file)) return path.join(real, path.relative(seen, file));
    }
    return file;
  }

  /** Workspaces and configured folders may lie below `/tmp` and the home folder. */
  private isElsewhere(file: string): boolean {
    const { workspace, root = workspace, repository = workspace } = this.scope;
    const named = [workspace, root, repository];
    const folders = [
      ...named,
      ...named.map(realPath),
      ...this.configured.readable,
      ...this.configured.writable,
    ];
    return folders.some((folder) => isInside(folder, file)) || this.serverRules.isShown(file);
  }
}
