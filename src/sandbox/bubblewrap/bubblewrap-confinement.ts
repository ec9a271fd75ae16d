import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { FileRules } from '../../files/index.js';
import { withSystemFiles } from '../files/system-files.js';
import { findProgram } from '../find-program.js';
import type { Limits } from '../limits/limits.js';
import { realPath, type RealPaths } from '../real-paths.js';
import type { Confinement, ConfinementScope, ProgramStart } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import type { ConfiguredFolders } from '../trial.js';
import { capabilityArguments } from './capabilities.js';
import { checkedProgram, type CheckTools } from './checked-program.js';
import { guardedMounts, shownOf } from './guarded-mounts.js';
import { mountArguments, type Mount } from './mounts.js';
import { guardedText, workspaceText } from './explanations.js';
import type { NetworkAccess } from './network-access.js';
import { splitEnvironment } from './obeyed-variables.js';
import { makeMountPoints, pinnedFolders } from './nested-mounts.js';
import { settle, type SettledMounts } from './settled-mounts.js';
import { ServerFileRules } from './server-file-rules.js';
import { WorkspaceFileRules } from './workspace-file-rules.js';
import { withoutTerminals } from './without-terminals.js';
import { linkToWorkspace, privateFolders, workspaceMounts } from './workspace-mounts.js';

/** What all confinements of a server share. */
export interface BubblewrapTools {
  /** Absolute path of `bwrap`. */
  bwrap: string;
  /** Absolute path of `bash`, if there is one. */
  bash: string | undefined;
  server: ServerFiles;
  limits: Limits;
  check: CheckTools;
  paths: RealPaths;
  /** For the mode `workspace`. */
  configured: ConfiguredFolders;
  network: NetworkAccess;
}

/** How one mode runs programs. */
interface ModeRules {
  /** @param given the scope as it was given, where paths may contain links */
  mounts(start: ProgramStart, scope: ConfinementScope, given: ConfinementScope): Mount[];
  /** Makes the folders that programs see from their start on. @param scope as it was given */
  prepare(scope: ConfinementScope): void;
  wrap(start: ProgramStart): ProgramStart;
  /** The mounts as they are made, and what programs must find before they run. */
  settle(mounts: Mount[]): SettledMounts;
  /** Further arguments of bubblewrap. */
  options: readonly string[];
  files(scope: ConfinementScope): FileRules;
  explanation: string;
}

/** Starts the programs of a conversation in bubblewrap. */
export class BubblewrapConfinement implements Confinement {
  readonly files: FileRules;

  constructor(
    readonly mode: 'guarded' | 'workspace',
    private readonly tools: BubblewrapTools,
    private readonly rules: ModeRules,
    private readonly scope: ConfinementScope,
  ) {
    this.files = withSystemFiles(rules.files(scope), () => tools.server.files());
  }

  get explanation(): string {
    return this.rules.explanation;
  }

  program(start: ProgramStart): ProgramStart {
    const { bwrap, bash, limits, server, check, paths } = this.tools;
    server.check();
    // Bubblewrap looks it up again, but tells of a missing one only by its exit.
    findProgram(start);
    this.rules.prepare(this.scope);
    const wrapped = this.rules.wrap(start);
    const { file: program, args: words, cwd } = wrapped;
    const { env, obeyed } = splitEnvironment(wrapped.env);
    const wanted = this.rules.mounts(wrapped, paths.scope(this.scope), this.scope);
    const { mounts, expected } = this.rules.settle(wanted);
    const isChecked = expected.length > 0;
    const [file = bwrap, ...args] = [
      ...withoutTerminals(bash),
      ...limits.words(this.scope.folder),
      bwrap,
      ...mountArguments(mounts),
      ...this.rules.options,
      ...(isChecked ? [] : Object.entries(obeyed).flatMap(([name, value]) => ['--setenv', name, value])),
      '--unshare-pid',
      ...(this.scope.keepsDaemons ? [] : ['--die-with-parent']),
      ...['--chdir', realPath(cwd)],
      '--',
      ...(isChecked ? checkedProgram([program, ...words], expected, obeyed, check) : [program, ...words]),
    ];
    return { file, args, cwd, env };
  }
}

/** Everything as outside, but for the files and the processes of the server. */
export function guardedRules({ server, paths }: BubblewrapTools): ModeRules {
  return {
    mounts: ({ own = [] }, scope) => guardedMounts(server, scope, own),
    prepare: makeOutputFolder,
    wrap: (start) => start,
    settle: (mounts) => ({ mounts, expected: [] }),
    options: capabilityArguments('guarded'),
    files: (scope) => new ServerFileRules(server, () => shownOf(server, paths.scope(scope))),
    explanation: guardedText(),
  };
}

/** The workspace, the system and what is configured. */
export function workspaceRules({ server, configured, network, paths }: BubblewrapTools): ModeRules {
  return {
    mounts: ({ own = [], cwd }, scope, given) => [
      // Somewhere to start where nothing of the folder is shown.
      { at: realPath(cwd), as: 'folder' },
      ...workspaceMounts(server, scope, configured, own),
      ...linkToWorkspace(server, scope, configured, given.workspace),
      ...network.mounts,
    ],
    prepare: (scope) => {
      makeOutputFolder(scope);
      const own = privateFolders(scope);
      for (const folder of own ? [own.tmp, own.home] : []) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
      }
    },
    wrap: (start) => network.wrap({ ...start, env: privateEnvironment(start.env) }),
    settle: (wanted) => {
      const { mounts } = settle(wanted);
      makeMountPoints(mounts);
      // Mounts that are wanted at the same path count.
      return settle([...pinnedFolders(mounts), ...mounts]);
    },
    options: [
      ...capabilityArguments('workspace'),
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
      ...['--remount-ro', '/'],
      ...network.options,
    ],
    files: (scope) => new WorkspaceFileRules(server, scope, configured, paths),
    explanation: workspaceText(configured, network.explanation),
  };
}

/** Long outputs are written there later, when programs are already running. */
function makeOutputFolder({ folder }: ConfinementScope): void {
  if (folder !== undefined) mkdirSync(path.join(folder, 'observations'), { recursive: true, mode: 0o700 });
}

/** Without variables that lead to folders and services of the user. */
function privateEnvironment({
  TMPDIR,
  XDG_RUNTIME_DIR: _runtime,
  DBUS_SESSION_BUS_ADDRESS: _bus,
  ...env
}: ProgramStart['env']): ProgramStart['env'] {
  return { ...env, ...(TMPDIR !== undefined && { TMPDIR: '/tmp' }) };
}
