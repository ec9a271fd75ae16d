import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../find-program.js';
import type { Confinement, ConfinementScope, FileRules, ProgramStart } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import { capabilityArguments } from './capabilities.js';
import { guardedMounts } from './guarded-mounts.js';
import { mountArguments } from './mounts.js';
import { realScope } from '../real-scope.js';
import { ServerFileRules } from './server-file-rules.js';

/** What all confinements of a server share. */
export interface BubblewrapTools {
  /** Absolute path of `bwrap`. */
  bwrap: string;
  server: ServerFiles;
  /** Program and arguments that set limits and then run what follows. */
  limiter: readonly string[];
}

const GUARDED = `Your programs run in a sandbox (mode "guarded"). They see and change files as usual, with these exceptions:
* The server's own files are hidden: its configuration, keys, settings and the logs of conversations. Do not look for them.
* Only processes of the same program tree are visible in /proc, and they end with the shell or program that started them: start background services from your terminal and keep it open.
* setuid programs such as sudo have no effect, and file systems cannot be mounted.`;

/** The mode \`guarded\`: everything as outside, but for the files and the processes of the server. */
export class GuardedConfinement implements Confinement {
  readonly mode = 'guarded';
  readonly explanation = GUARDED;
  readonly files: FileRules;
  private readonly capabilities = capabilityArguments('guarded');

  constructor(
    private readonly tools: BubblewrapTools,
    private readonly scope: ConfinementScope,
  ) {
    this.files = new ServerFileRules(tools.server, scope);
  }

  program(start: ProgramStart): ProgramStart {
    const { bwrap, limiter, server } = this.tools;
    server.check();
    // Bubblewrap looks it up again, but tells of a missing one only by its exit.
    findProgram(start);
    const { folder, keepsDaemons = false } = this.scope;
    // Long outputs are written there later, when programs are already running.
    if (folder !== undefined) mkdirSync(path.join(folder, 'observations'), { recursive: true, mode: 0o700 });
    const mounts = guardedMounts(server, realScope(this.scope));
    const [file = bwrap, ...args] = [
      ...limiter,
      bwrap,
      ...mountArguments(mounts),
      ...this.capabilities,
      '--unshare-pid',
      ...(keepsDaemons ? [] : ['--die-with-parent']),
      ...['--chdir', start.cwd],
      '--',
      start.file,
      ...start.args,
    ];
    return { ...start, file, args };
  }
}
