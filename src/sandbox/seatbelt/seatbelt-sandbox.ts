import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { FileRules } from '../../files/index.js';
import { guardedText, workspaceText } from '../bubblewrap/explanations.js';
import { shownOf } from '../bubblewrap/guarded-mounts.js';
import { privateFolders, shownInWorkspaceMode, visibleFolders } from '../bubblewrap/workspace-mounts.js';
import { withSystemFiles } from '../files/system-files.js';
import { findProgram } from '../find-program.js';
import { refusing, UNCONFINED } from '../no-sandbox.js';
import type { RealPaths } from '../real-paths.js';
import {
  Sandbox,
  type Confinement,
  type ConfinementScope,
  type ProgramStart,
  type SandboxStatus,
  type ShownFolder,
} from '../sandbox.js';
import { SandboxError } from '../sandbox-error.js';
import { stricterMode, type SandboxMode } from '../sandbox-mode.js';
import type { ServerFiles } from '../server-files.js';
import type { ConfiguredFolders } from '../trial.js';
import { seatbeltProfile, type ProfileParts } from './profile.js';
import { SeatbeltFileRules } from './seatbelt-file-rules.js';

/** What all confinements of a server share. */
export interface SeatbeltTools {
  /** Absolute path of `sandbox-exec`. */
  program: string;
  server: ServerFiles;
  configured: ConfiguredFolders;
  paths: RealPaths;
  /** A sentence for agents. */
  network: { isOn: boolean; explanation: string };
}

/** Confines programs with `sandbox-exec` of macOS. Paths are checked when they are used, so no link helps. */
export class SeatbeltSandbox extends Sandbox {
  readonly server: Confinement;

  /** @param workspace where programs of the server itself work */
  constructor(
    private readonly tools: SeatbeltTools,
    readonly status: SandboxStatus,
    workspace: string,
  ) {
    super();
    this.server = this.confine({ workspace });
  }

  assertAvailable(mode: SandboxMode): void {
    if (mode !== 'off' && !this.status.available.includes(mode)) throw new SandboxError(this.problem(mode));
  }

  confine(scope: ConfinementScope): Confinement {
    const mode = stricterMode(this.status.mode, scope.mode);
    if (mode === 'off') return UNCONFINED;
    if (!this.status.available.includes(mode)) return refusing(mode, this.problem(mode));
    return new SeatbeltConfinement(mode, this.tools, scope);
  }

  private problem(mode: SandboxMode): string {
    return `The sandbox "${mode}" is not available on this server: ${this.status.reason ?? 'it does not work'}`;
  }
}

/** Starts the programs of a conversation with a profile. */
export class SeatbeltConfinement implements Confinement {
  readonly files: FileRules;
  readonly explanation: string;

  constructor(
    readonly mode: 'guarded' | 'workspace',
    private readonly tools: SeatbeltTools,
    private readonly scope: ConfinementScope,
  ) {
    const { server, configured, network } = tools;
    this.files = withSystemFiles(new SeatbeltFileRules(server, () => this.parts([])), () => server.files());
    this.explanation = mode === 'guarded' ? guardedText() : workspaceText(configured, network.explanation);
  }

  program(start: ProgramStart): ProgramStart {
    const { server, program, paths } = this.tools;
    server.check();
    findProgram(start);
    const own = privateFolders(paths.scope(this.scope));
    const isPrivate = this.mode === 'workspace' && own !== undefined;
    if (isPrivate)
      for (const folder of [own.tmp, own.home]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (this.scope.folder !== undefined)
      mkdirSync(path.join(this.scope.folder, 'observations'), { recursive: true, mode: 0o700 });
    return {
      file: program,
      args: ['-p', seatbeltProfile(this.parts(start.own ?? [])), start.file, ...start.args],
      cwd: start.cwd,
      // There are no mounts: folders of the conversation have their own names.
      env: { ...start.env, ...(isPrivate && { HOME: own.home, TMPDIR: own.tmp }) },
    };
  }

  private parts(own: readonly ShownFolder[]): ProfileParts {
    const { server, configured, network, paths } = this.tools;
    const scope = paths.scope(this.scope);
    const hidden = [...server.hidden, ...server.files()];
    if (this.mode === 'guarded') return { hidden, shown: [...shownOf(server, scope), ...own] };
    const folders = privateFolders(scope);
    const ofConversation = folders
      ? [folders.tmp, folders.home].map((folder) => ({ path: folder, writable: true }))
      : [];
    return {
      hidden,
      shown: [...shownInWorkspaceMode(server, scope), ...ofConversation, ...own],
      workspace: { visible: visibleFolders(server, scope, configured), network: network.isOn },
    };
  }
}
