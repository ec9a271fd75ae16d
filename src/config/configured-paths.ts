import path from 'node:path';

/** The folders of a configuration, absolute; null: not configured. */
export interface ConfiguredPaths {
  conversations: string;
  workspace: string;
  worktrees: string;
  keyWorkspaces: string;
  bashEvents: string;
  staticFiles: string | null;
  ui: string | null;
  /** Null: the file routes are not restricted. */
  fileRoot: string | null;
}

/** Folders as they are configured; relative ones are resolved against `base_dir`. */
interface ConfiguredFolders {
  base_dir: string;
  conversations_path: string;
  workspace_path: string;
  key_workspaces_path: string;
  conversation_worktree_root: string;
  bash_events_dir: string;
  static_files_path: string | null;
  ui_path: string | null;
  file_root: string | null;
}

/** The configured folders as absolute paths. */
export function configuredPaths(config: ConfiguredFolders): ConfiguredPaths {
  const absolute = (folder: string): string => path.resolve(config.base_dir, folder);
  const optional = (folder: string | null): string | null => (folder === null ? null : absolute(folder));
  return {
    conversations: absolute(config.conversations_path),
    workspace: absolute(config.workspace_path),
    keyWorkspaces: absolute(config.key_workspaces_path),
    worktrees: absolute(config.conversation_worktree_root),
    bashEvents: absolute(config.bash_events_dir),
    staticFiles: optional(config.static_files_path),
    ui: optional(config.ui_path),
    fileRoot: optional(config.file_root),
  };
}
