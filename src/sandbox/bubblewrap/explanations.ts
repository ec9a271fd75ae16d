import type { ConfiguredFolders } from '../trial.js';

/** Tells agents what the mode `guarded` does not let them do. */
export function guardedText(): string {
  return `* Commands and file tools run in a sandbox. It hides the files of the server that runs you: its configuration, keys, settings and logs, of this conversation too. They look empty or cannot be read. Do not look for another way to them.
* A program sees only processes that the same terminal has started, and they end with that terminal. sudo and mount do not work.`;
}

/** Tells agents what the mode `workspace` does not let them do. */
export function workspaceText({ readable, writable }: ConfiguredFolders, network: string): string {
  const also = writable.length === 0 ? '' : `, ${writable.join(', ')}`;
  const read = readable.length === 0 ? '' : ` You can read ${readable.join(', ')}.`;
  return `* Commands and file tools run in a sandbox. You can change the workspace, /tmp, the home folder (both belong to this conversation only)${also}. The system is read-only, and nothing else is visible.${read} "Read-only file system" and "No such file or directory" for other places come from the sandbox: work inside the workspace instead of looking for a way around it.
* ${network}
* A program sees only processes that the same terminal has started, and they end with that terminal. sudo, mount and system packages (apt) do not work: install for the project or into the home folder.`;
}
