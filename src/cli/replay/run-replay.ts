import { createWriteStream } from 'node:fs';
import { cp, lstat, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppConfig } from '../../config/index.js';
import {
  ConversationNotFoundError,
  type ConversationTransfer,
  findConversations,
  NoConversationsError,
} from '../../conversations/index.js';
import {
  FolderMapping,
  readRecorded,
  type Recorded,
  recordedFolder,
  type ReplayChanges,
  replayedState,
  ReplayError,
  ReplayPlayer,
  type ReplayReport,
  ReplayToolRegistry,
} from '../../conversations/replay/replay.module.js';
import { DomainError, errorMessage } from '../../errors/index.js';
import { isFolder, makeTemporaryFolder, readBoundedText, treeSize } from '../../files/index.js';
import { isJsonObject, type JsonObject, parseJson } from '../../json/index.js';
import { withTransfer } from '../copying/transfer-context.js';
import type { CommandOutput } from '../subcommand.js';
import { describeReport } from './describe-report.js';
import type { ReplayOptions } from './replay-command-line.js';
import { withReplayer } from './replay-context.js';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Largest workspace that is copied. */
const MAX_WORKSPACE_BYTES = 2 * 1024 ** 3;
const MAX_WORKSPACE_FILES = 200_000;
/** The exit code if there was no replay. */
const FAILED = 2;

/** Replays a conversation in a temporary folder. @returns the exit code */
export async function runReplay(
  options: ReplayOptions,
  config: AppConfig,
  output: CommandOutput,
): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new ReplayError('interrupted'));
  const scratch = await makeTemporaryFolder('replay');
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt);
  try {
    const changes = await changesOf(options);
    const report = await replay(options, changes, config, scratch, interrupted.signal);
    if (options.asJson) output.print(JSON.stringify(report));
    else for (const line of describeReport(report)) output.print(line);
    return report.outcome === 'same' ? 0 : 1;
  } catch (error) {
    output.note(explainReplayError(error));
    return FAILED;
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeListener(name, interrupt);
    await rm(scratch, { recursive: true, force: true, maxRetries: 10 }).catch(() =>
      output.note(`${scratch} cannot be removed: remove it`),
    );
  }
}

/** Explains to the operator why a conversation could not be replayed. */
export function explainReplayError(error: unknown): string {
  if (error instanceof ReplayError || error instanceof NoConversationsError || error instanceof DomainError)
    return error.message;
  return `cannot replay: ${errorMessage(error).split('\n')[0] ?? ''}`;
}

async function replay(
  options: ReplayOptions,
  changes: ReplayChanges,
  config: AppConfig,
  scratch: string,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const runs = options.workspace !== undefined;
  const own = scratchConfig(config, scratch, runs);
  const recorded = await readSource(options, config, own, scratch);
  const workingDir = path.join(scratch, 'workspace');
  await mkdir(workingDir, { mode: FOLDER_MODE });
  if (options.workspace !== undefined) {
    await copyWorkspace(options.workspace, workingDir);
    // Programs in the sandbox may write into the memory of the user's agents, which is there.
    process.env['OH_PERSISTENCE_DIR'] = path.join(scratch, 'settings');
  }
  signal.throwIfAborted();
  const replayed = replayedState(recorded.state, changes, { workingDir, readsWorkspace: runs });
  const limitMs = options.stepLimit * 1000;
  const toScratch = new FolderMapping(recordedFolder(recorded.state, config), workingDir);
  const player = new ReplayPlayer(recorded.recording, toScratch);
  const tools = new ReplayToolRegistry(player, { runs, limitMs });
  return withReplayer(own, player, tools, (replayer) => replayer.replay(recorded, replayed, limitMs, signal));
}

/** The configuration of a server that stores in a temporary folder and reaches nothing else. */
function scratchConfig(config: AppConfig, scratch: string, runs: boolean): AppConfig {
  const at = (name: string): string => path.join(scratch, name);
  return Object.assign(new AppConfig(), config, {
    ...{ database_url: null, webhooks: [], conversation_runtime: 'local', deferred_init: false },
    conversations_path: at('conversations'),
    bash_events_dir: at('bash_events'),
    conversation_worktree_root: at('worktrees'),
    key_workspaces_path: at('keys'),
    ...{ conversation_storage_disk_budget: null, conversation_storage_retention_days: null },
    ...{ preload_tools: false, resume_on_start: false, audit_required: false },
    // Nothing is started without a workspace, so that nothing has to be confined.
    ...(runs
      ? { sandbox: 'workspace', sandbox_required: true, sandbox_network: 'off', sandbox_writable: [] }
      : { sandbox: 'off', sandbox_required: false }),
  });
}

/** Copies the recorded conversation into the temporary storage, by its trajectory, and reads it there. */
async function readSource(
  { source }: ReplayOptions,
  config: AppConfig,
  own: AppConfig,
  scratch: string,
): Promise<Recorded> {
  const quiet = { write: () => undefined };
  let zip: string;
  if ('zip' in source) zip = source.zip;
  else {
    zip = path.join(scratch, 'trajectory.zip');
    await withTransfer(config, quiet, (transfer) => exportTo(zip, transfer, source.id));
  }
  let recorded: Recorded | undefined;
  await withTransfer(own, quiet, async (transfer) => {
    const id = await importFrom(zip, transfer);
    recorded = await readRecorded(transfer, id);
    return 0;
  });
  if (!recorded) throw new ReplayError('the conversation cannot be read');
  return recorded;
}

async function exportTo(file: string, transfer: ConversationTransfer, id: string): Promise<number> {
  const conversation = await transfer.open(id, 'masked').catch((error: unknown) => {
    throw error instanceof ConversationNotFoundError
      ? new ReplayError(`there is no conversation ${id}`)
      : error;
  });
  try {
    await pipeline(conversation.zip(), createWriteStream(file, { mode: FILE_MODE }));
    return 0;
  } finally {
    await conversation.close();
  }
}

/** @returns the id of the conversation */
async function importFrom(zip: string, transfer: ConversationTransfer): Promise<string> {
  const found = await findConversations(path.resolve(zip));
  try {
    const [files, other] = found.conversations;
    if (!files || other)
      throw new ReplayError(`${zip} holds ${found.conversations.length} conversations: give one`);
    const options = {
      ...{ secretKeys: [], zone: undefined, workspaces: [], newId: false, dryRun: false },
      onEvents: () => undefined,
    };
    const { id, reason } = await transfer.import(files, options);
    if (id === null) throw new ReplayError(reason ?? `${zip} cannot be read`);
    return id;
  } finally {
    found.close();
  }
}

async function changesOf(options: ReplayOptions): Promise<ReplayChanges> {
  const { agent, systemPrompt, withoutTools, withTools } = options;
  return {
    ...{ withoutTools, withTools },
    ...(agent !== undefined && { agent: await agentFields(agent) }),
    ...(systemPrompt !== undefined && { systemPrompt: await promptOf(systemPrompt) }),
  };
}

async function agentFields(file: string): Promise<JsonObject> {
  const text = await textOf(file, 'the agent');
  try {
    const fields = parseJson(text);
    if (isJsonObject(fields)) return fields;
    throw new TypeError('it is no JSON object');
  } catch (error) {
    throw new ReplayError(`cannot read ${file}: ${errorMessage(error)}`);
  }
}

async function promptOf(file: string): Promise<NonNullable<ReplayChanges['systemPrompt']>> {
  if (file.endsWith('.j2')) return { template: path.resolve(file) };
  return { text: (await textOf(file, 'the system prompt')).trimEnd() };
}

async function textOf(file: string, what: string): Promise<string> {
  const read = await readBoundedText(path.resolve(file)).catch((error: unknown) => {
    throw new ReplayError(`cannot read ${what}: ${errorMessage(error)}`);
  });
  if (!read || read.cut) throw new ReplayError(`${file} is ${read ? 'too large' : 'no text file'}`);
  return read.text;
}

async function copyWorkspace(from: string, to: string): Promise<void> {
  const source = path.resolve(from);
  if (!(await isFolder(source))) throw new ReplayError(`${from} is not a folder`);
  const { bytes, isWhole } = await treeSize(source, MAX_WORKSPACE_FILES);
  if (!isWhole || bytes > MAX_WORKSPACE_BYTES)
    throw new ReplayError(
      `${from} is too large to be copied (more than ${MAX_WORKSPACE_BYTES / 2 ** 30} GiB or ${MAX_WORKSPACE_FILES} files)`,
    );
  await cp(source, to, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    // Sockets and pipes of running programs cannot be copied.
    filter: async (file) => {
      const stats = await lstat(file);
      return stats.isFile() || stats.isDirectory() || stats.isSymbolicLink();
    },
  });
}
