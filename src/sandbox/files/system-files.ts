import { lstatSync, statSync } from 'node:fs';
import { isInside, type FileAccess, type FileIdentity, type FileRules } from '../../files/index.js';

const PROCESSES =
  'it tells of processes of the server, which agents do not see. A program sees its own: use the terminal.';
const SYSTEM =
  'it belongs to the system. Devices and settings of the system are for programs: use the terminal.';

/** Devices and settings of the kernel. Memory that processes share is an ordinary folder. */
const SYSTEM_FOLDERS = ['/sys', '/dev'];
const SHARED_MEMORY = '/dev/shm';

/**
 * Rules for tools inside the process of the server, made of those that programs have by their mounts. The
 * process sees more than they do: its own `/proc`, the devices of the machine, and files with keys by other
 * names (hard links), which the mounts hide by name.
 * @param keyFiles real paths of files that nobody may read; some may not exist
 */
export function withSystemFiles(rules: FileRules, keyFiles: () => readonly string[]): FileRules {
  return {
    refusal: (realPath, access, found) =>
      systemRefusal(realPath, access, found) ??
      rules.refusal(realPath, access, found) ??
      (found && found.nlink > 1 ? linkRefusal(found, keyFiles()) : undefined),
    ...(rules.onMachine && { onMachine: (file: string) => rules.onMachine?.(file) ?? file }),
  };
}

function systemRefusal(realPath: string, access: FileAccess, found?: FileIdentity): string | undefined {
  // Its list is numbers only. Nobody can create a file there: of what is missing, the system says so.
  if (realPath === '/proc') return undefined;
  if (isInside('/proc', realPath)) return found || isThere(realPath) ? PROCESSES : undefined;
  if (access === 'read' || isInside(SHARED_MEMORY, realPath)) return undefined;
  return SYSTEM_FOLDERS.some((folder) => isInside(folder, realPath)) ? SYSTEM : undefined;
}

function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // It cannot be examined.
    return true;
  }
}

function linkRefusal(found: FileIdentity, keyFiles: readonly string[]): string | undefined {
  const isKey = keyFiles.some((file) => {
    const key = statSync(file, { throwIfNoEntry: false });
    return key?.ino === found.ino && key.dev === found.dev;
  });
  return isKey ? 'it is a file of the server under another name.' : undefined;
}
