import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { Cipher, SecretCodec } from '../../../crypto/index.js';
import { errorMessage } from '../../../errors/index.js';
import { isFolder, isInside, undefinedIfMissing } from '../../../files/index.js';
import { KeyedSerialQueue } from '../../../flow/index.js';
import { BashHistories, Catalogue, ConversationFolders, EventLogStore } from '../../../storage/index.js';
import { ToolRegistry } from '../../../tools/index.js';
import { WorkspaceHost } from '../../conversation/workspace-host.js';
import type { FillLog } from '../../registry/conversation-store.js';
import { persistenceDir } from '../../state/conversation-info.js';
import type { ConversationState } from '../../state/conversation-state.js';
import type { RequestedConversation, StartConversationRequest } from '../../state/start-request.js';
import { fromStored } from '../../state/stored-conversation.js';
import { holderOf } from '../reading/lease.js';
import { ImportNotes, type ImportReport } from '../reading/notes.js';
import { originalState, type StateOptions } from '../reading/original-state.js';
import { stableUuid } from '../../../text/index.js';
import type { Reading } from '../reading/read-event.js';
import {
  NotAConversationError,
  readConversation,
  type SourceConversation,
} from '../reading/source-conversation.js';
import { utcTime } from '../reading/stored-values.js';
import { findZone, TimeShift, type ZoneOffset } from '../reading/time-shift.js';
import type { SourceFiles } from '../sources/source-files.js';
import { AgentFiles } from './agent-files.js';
import { ConversationImport, type OnEvents } from './conversation-import.js';

/** How conversations are imported. */
export interface ImportOptions {
  /** Keys of other servers, in addition to those of this one. */
  secretKeys: readonly string[];
  /** The zone of the server that wrote the events; undefined: found by their times. */
  zone: ZoneOffset | undefined;
  /** Prefixes of working directories and what takes their place. */
  workspaces: readonly (readonly [from: string, to: string])[];
  /** A conversation whose id is taken by a different one gets a new id. */
  newId: boolean;
  /** Read everything, write nothing. */
  dryRun: boolean;
  /** The ledger of usage never counts what the events say that models have cost. */
  dropsCalls?: boolean;
  onEvents: OnEvents;
  /** Says who owns the conversations. @throws for what its owner may not have */
  admit?: (request: RequestedConversation) => Promise<StartConversationRequest>;
}

/** Creates a conversation with its log: it exists when this resolves. */
export type CreateConversation = (state: ConversationState, fill: FillLog) => Promise<void>;

/** What became of a conversation. */
export interface ImportResult {
  /** `same`: it is here already. `different`: its id is taken. `refused`: the reason says why. */
  outcome: 'imported' | 'same' | 'different' | 'refused';
  /** Dashed UUIDs; null for what is no conversation. */
  source_id: string | null;
  id: string | null;
  events: number;
  reason: string | null;
  report: ImportReport;
}

/** A conversation that was read, before it is written. */
interface Plan {
  source: SourceConversation;
  state: ConversationState;
  logPosition: number | undefined;
  reading: Reading;
}

/**
 * Where a conversation is imported: under an id; or nowhere, because it is here with so many events, because
 * a different one has its id, or for another reason.
 */
type Place =
  { id: string } | { id: string; same: number } | { id: string; difference: string } | { reason: string };

const ORIGINAL_DOCUMENTS = ['meta.json', 'base_state.json'];

/** Imports single conversations: of the original as they lie on disk, and our own. Sources are only read. */
@Injectable()
export class ConversationImporter {
  private readonly byId = new KeyedSerialQueue();

  constructor(
    private readonly catalogue: Catalogue,
    private readonly logs: EventLogStore,
    private readonly folders: ConversationFolders,
    private readonly histories: BashHistories,
    private readonly codec: SecretCodec,
    private readonly registry: ToolRegistry,
    private readonly workspaces: WorkspaceHost,
    private readonly config: AppConfig,
  ) {}

  /**
   * Imports a conversation, unless it is here already: two sources of one are imported one after the other.
   * @throws errors of `admit`, `create` and the storage
   */
  async import(
    files: SourceFiles,
    options: ImportOptions,
    create: CreateConversation,
  ): Promise<ImportResult> {
    const notes = new ImportNotes();
    const refused = (reason: string): ImportResult => resultOf('refused', notes, { reason });
    const holder = await holderOf(files);
    if (holder !== undefined) return refused(holder);
    let source: SourceConversation;
    try {
      source = await readConversation(files, this.cipher(options), notes);
    } catch (error) {
      if (!(error instanceof NotAConversationError)) throw error;
      return refused(errorMessage(error));
    }
    return this.byId.run(source.id, () => this.importAs(source, files, options, notes, create));
  }

  private async importAs(
    source: SourceConversation,
    files: SourceFiles,
    options: ImportOptions,
    notes: ImportNotes,
    create: CreateConversation,
  ): Promise<ImportResult> {
    const own = await this.place(source, files, options);
    const refused = (reason: string): ImportResult =>
      resultOf('refused', notes, { reason, source_id: source.id });
    if ('reason' in own) return refused(own.reason);
    const here = { source_id: source.id, id: own.id };
    if ('difference' in own) return resultOf('different', notes, { ...here, reason: own.difference });
    if ('same' in own) return resultOf('same', notes, { ...here, events: own.same });
    const plan = await this.plan(source, own.id, files, options, notes).catch((error: unknown) => {
      if (error instanceof NotAConversationError) return errorMessage(error);
      throw error;
    });
    if (typeof plan === 'string') return refused(plan);
    const { state, logPosition, reading } = plan;
    const transfer = new ConversationImport(source, state, logPosition, reading, notes, options.onEvents);
    if (options.dryRun) await transfer.inspect();
    else {
      const target = new AgentFiles(files, this.folders.folder(own.id), notes);
      await create(state, (log, fence) => transfer.write(log, fence, target, this.histories));
    }
    await this.noteWorkspace(state, notes);
    noteUsage(state, options, notes);
    return resultOf('imported', notes, { ...here, events: transfer.events });
  }

  private cipher({ secretKeys }: ImportOptions): Cipher {
    const { secret_key, previous_secret_keys } = this.config;
    const own = secret_key === null ? [] : [secret_key];
    const [first = null, ...others] = [...secretKeys, ...own, ...previous_secret_keys];
    return new Cipher(first, others);
  }

  /** The id under which a conversation is imported; or that it is here; or why it cannot be. */
  private async place(
    source: SourceConversation,
    files: SourceFiles,
    options: ImportOptions,
  ): Promise<Place> {
    const { id } = source;
    const first = await this.placeOf(id, source, files);
    if (!('difference' in first) || !options.newId) return first;
    // Always the same one, so that it is imported once.
    const digest = createHash('sha256').update(id);
    for await (const batch of source.log.batches(UNCHANGED, new ImportNotes()))
      for (const { event } of batch) digest.update(event.id);
    return this.placeOf(stableUuid(digest.digest('hex')), source, files);
  }

  private async placeOf(id: string, source: SourceConversation, files: SourceFiles): Promise<Place> {
    if (await this.catalogue.has(id)) {
      const difference = await this.difference(id, source);
      return typeof difference === 'number' ? { id, same: difference } : { id, difference };
    }
    const folder = this.folders.folder(id);
    if (files.folder !== undefined && (isInside(folder, files.folder) || isInside(files.folder, folder)))
      return {
        reason:
          'it lies where this server would store it: rename the folder with the conversations of the other ' +
          'server first, or set OH_CONVERSATIONS_PATH',
      };
    for (const name of ORIGINAL_DOCUMENTS) {
      if ((await lstat(path.join(folder, name)).catch(undefinedIfMissing)) !== undefined)
        return { reason: `${folder} has a conversation of another server: it is left alone` };
    }
    return { id };
  }

  /** The number of events that both have, or how the stored conversation differs from the source. */
  private async difference(id: string, source: SourceConversation): Promise<number | string> {
    const log = await this.logs.read(id);
    try {
      let seq = 0;
      for await (const batch of source.log.batches(UNCHANGED, new ImportNotes())) {
        const there = await log.entries(seq, batch.length);
        const other = batch.findIndex(
          ({ record }, index) => record.id !== there[index]?.id || record.kind !== there[index].kind,
        );
        if (other !== -1)
          return there.length <= other
            ? `a conversation with this id is here, but the source has more events than its ${log.length}`
            : `a different conversation with this id is here: event ${seq + other} is not the same`;
        seq += batch.length;
      }
      return seq;
    } finally {
      await log.close();
    }
  }

  private async plan(
    source: SourceConversation,
    id: string,
    files: SourceFiles,
    options: ImportOptions,
    notes: ImportNotes,
  ): Promise<Plan> {
    const { state, logPosition } = await this.stateOf(source, id, options, notes);
    if (this.workspaces.name !== undefined) state.workspace_host = this.workspaces.name;
    const time = new TimeShift(options.zone ?? (await zoneOf(source)));
    const folder = new AgentFiles(files, this.folders.folder(id), notes);
    const adapt = (await folder.hasOutputs())
      ? this.adaptPaths(persistenceOf(source, this.config), id)
      : UNCHANGED.adapt;
    return { source, state, logPosition, reading: { time, adapt, dropsCalls: options.dropsCalls ?? false } };
  }

  private async stateOf(
    source: SourceConversation,
    id: string,
    options: ImportOptions,
    notes: ImportNotes,
  ): Promise<{ state: ConversationState; logPosition: number | undefined }> {
    const admit =
      options.admit ?? ((request) => Promise.resolve({ ...request, owner_key: null, workspace_root: null }));
    const stateOptions: StateOptions = {
      admit,
      mapWorkspace: (folder) => mapped(folder, options.workspaces),
    };
    if (source.own) {
      const { owner_key: _owner, workspace_root: _root, workspace_host: _host, ...own } = source.own;
      const { state, logPosition } = fromStored(
        { ...own, id, owner_key: null, ...entryFields(own) },
        this.codec,
      );
      state.workspace.working_dir = stateOptions.mapWorkspace(state.workspace.working_dir);
      return { state, logPosition };
    }
    const state = await originalState({ ...source, id }, this.registry, stateOptions, notes);
    // By the codec: it remembers what no key opens, so that it is stored again.
    const opened = fromStored({ format: 1, log_position: 0, ...state }, this.codec);
    return { state: opened.state, logPosition: undefined };
  }

  /** Events name long outputs by the folder of their conversation. */
  private adaptPaths(from: string, id: string): (line: string) => string {
    const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
    const to = persistenceDir(this.config.conversations_path, id);
    if (from === to) return UNCHANGED.adapt;
    const [before, after] = [`${inJson(from)}/observations`, `${inJson(to)}/observations`];
    return (line) => line.replaceAll(before, after);
  }

  private async noteWorkspace({ workspace }: ConversationState, notes: ImportNotes): Promise<void> {
    const folder = path.resolve(this.config.base_dir, workspace.working_dir);
    if (!(await isFolder(folder)))
      notes.change(`its workspace ${folder} does not exist here: it is made with its next run, or mapped`);
  }
}

function resultOf(
  outcome: ImportResult['outcome'],
  notes: ImportNotes,
  more: Partial<ImportResult>,
): ImportResult {
  return { outcome, source_id: null, id: null, events: 0, reason: null, report: notes.report(), ...more };
}

const UNCHANGED: Reading = { time: new TimeShift(undefined), adapt: (line) => line };

/** The ledger follows what happens here: what happened elsewhere is added to it on request only. */
function noteUsage({ stats }: ConversationState, { dropsCalls }: ImportOptions, notes: ImportNotes): void {
  if (Object.keys(stats.usage_to_metrics).length === 0) return;
  notes.change(
    dropsCalls
      ? 'what its models have cost is in its statistics, and never in the ledger of usage'
      : "what its models have cost is in its statistics; 'openhands-agent-server usage rebuild' adds it to the " +
          'ledger of usage',
  );
}

function mapped(folder: string, workspaces: ImportOptions['workspaces']): string {
  for (const [from, to] of workspaces) {
    if (folder === from) return to;
    if (folder.startsWith(`${from}/`)) return `${to}${folder.slice(from.length)}`;
  }
  return folder;
}

/** The folder of the conversation as its events name it. */
function persistenceOf({ base, id }: SourceConversation, config: AppConfig): string {
  const { persistence_dir: folder } = base ?? {};
  return typeof folder === 'string'
    ? folder.replace(/\/$/, '')
    : persistenceDir(config.conversations_path, id);
}

/** By the times of the metadata and of the first and the last event. */
async function zoneOf({ base, meta, own, log }: SourceConversation): Promise<ZoneOffset | undefined> {
  if (!base && !meta && !own) return undefined;
  const [first, last] = await log.ends();
  const times = own ?? meta ?? {};
  return findZone({
    created: utcTime(times['created_at']),
    updated: utcTime(times['updated_at']),
    first,
    last,
  });
}

/** The fields by which a conversation is listed. They are checked when the state is read. */
function entryFields(own: Record<string, unknown>) {
  const { created_at, updated_at, execution_status, parent_conversation_id: parent } = own;
  return {
    created_at: utcTime(created_at) ?? '',
    updated_at: utcTime(updated_at) ?? '',
    execution_status: String(execution_status),
    parent_conversation_id: typeof parent === 'string' ? parent : null,
  };
}
