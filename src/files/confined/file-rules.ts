import type { Stats } from 'node:fs';
import { DomainError } from '../../errors/index.js';
import { isInside } from '../is-inside.js';

/** What is done with a file. Creating, replacing, renaming and removing one is writing. */
export type FileAccess = 'read' | 'write';

/** Tells a file apart from others, whatever its names are. */
export type FileIdentity = Pick<Stats, 'dev' | 'ino' | 'nlink'>;

/**
 * Which files may be used on behalf of an agent or of a client of its conversation. Programs in a sandbox see
 * the same by its mounts; these rules are for what works inside the process of the server.
 */
export interface FileRules {
  /**
   * @param realPath absolute, without links; the file may be missing
   * @param found what is there
   * @returns why the access is refused, a sentence for the agent; undefined: it is allowed
   */
  refusal(realPath: string, access: FileAccess, found?: FileIdentity): string | undefined;
  /**
   * Where a path of the agent leads on the machine: programs in a sandbox may see another folder under the
   * same name, such as a `/tmp` of their own. Without it, all paths are the machine's.
   */
  onMachine?(file: string): string;
}

/** The rules refuse a file. The message is for the agent. */
export class FileRefusal extends DomainError {
  override readonly name = 'FileRefusal';
  readonly kind = 'forbidden';

  /** @param file as the agent has named it */
  constructor(file: string, access: FileAccess, reason: string) {
    super(`${file} may not be ${access === 'read' ? 'read' : 'changed'}: ${reason}`);
  }
}

/** Rules that also refuse everything outside of a folder. @param root its real path */
export function insideOnly(root: string, rules: FileRules = NO_RULES): FileRules {
  return {
    refusal: (realPath, access, found) =>
      isInside(root, realPath) ? rules.refusal(realPath, access, found) : `it is outside of ${root}.`,
    onMachine: (file) => rules.onMachine?.(file) ?? file,
  };
}

/** Rules without a sandbox: the system alone decides. */
export const NO_RULES: FileRules = { refusal: () => undefined };
