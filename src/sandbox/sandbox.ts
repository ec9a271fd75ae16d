import type { FileRules } from '../files/index.js';
import type { SandboxMode } from './sandbox-mode.js';

/** A folder that programs see (absolute path). */
export interface ShownFolder {
  path: string;
  writable: boolean;
}

/** A program to start: what `spawn` takes. */
export interface ProgramStart {
  /** A path, or a name that is looked up in `PATH`. */
  file: string;
  args: readonly string[];
  /** Absolute path. */
  cwd: string;
  /** The whole environment of the program. */
  env: Readonly<Record<string, string>>;
  /** Folders that a program of the server itself needs to run. Never from a request. */
  own?: readonly ShownFolder[];
}

/** How the programs and the file tools of one conversation are confined. */
export interface Confinement {
  readonly mode: SandboxMode;
  /**
   * What to spawn instead of a program. It has no effect by itself, so that terminals, pipes and groups stay
   * with the caller. With the mode `off` it is the same program.
   * @throws SandboxError if the confinement cannot be kept; an error with the code ENOENT or EACCES, as
   *   `spawn` reports it, if there is no such program
   */
  program(start: ProgramStart): ProgramStart;
  readonly files: FileRules;
  /** What the agent cannot do, for its system prompt. Undefined without a sandbox. */
  readonly explanation: string | undefined;
}

/** What a confinement is for. */
export interface ConfinementScope {
  /** Absolute path of the folder that the programs work in. It must exist when they are started. */
  workspace: string;
  /** Absolute path of a folder around the workspace that programs may change as well. */
  root?: string;
  /** Absolute path of the repository whose worktree the workspace is. */
  repository?: string;
  /** Absolute path of a private folder of the conversation. Absent: nothing is kept. */
  folder?: string;
  /** When that conversation was created: a later one may have the same folder, and other paths. */
  since?: string;
  /** A stricter mode than that of the server; a looser one has no effect. */
  mode?: SandboxMode;
  /** Whether processes may outlive the program that started them, as after commands of the bash routes. */
  keepsDaemons?: boolean;
}

/** The sandbox of the server, as `/server_info` shows it. */
export interface SandboxStatus {
  mode: SandboxMode;
  /** What enforces the mode: `bubblewrap`, or null. */
  by: string | null;
  /** What enforces limits of memory, processes and open files; null without limits. */
  limits: 'cgroup' | 'prlimit' | null;
  /** Modes that a conversation may ask for. */
  available: SandboxMode[];
  /** Why there is no sandbox, or not the usual one; null if there is nothing to say. */
  reason: string | null;
}

/** Confines programs that run on behalf of agents and clients. */
export abstract class Sandbox {
  abstract readonly status: SandboxStatus;
  /** For programs that no conversation has asked for, such as those of `/api/bash`. */
  abstract readonly server: Confinement;
  /** @throws SandboxError if a mode does not work on this server */
  abstract assertAvailable(mode: SandboxMode): void;
  /** Where the mode does not work, the confinement starts no programs and shows no files. */
  abstract confine(scope: ConfinementScope): Confinement;
}
