import path from 'node:path';
import { Injectable } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import type { Principal } from '../../../auth/index.js';
import { AppConfig } from '../../../config/index.js';
import { DomainError, InvalidRequestError } from '../../../errors/index.js';
import { isInside } from '../../../files/index.js';
import { KeyLimiter } from '../../../limits/index.js';
import type { JsonObject } from '../../../json/index.js';
import { ConversationExistsError } from '../../conversation-errors.js';
import { KeyWorkspaces } from '../../owners/key-workspaces.js';
import { ownerFilter, Ownership } from '../../owners/ownership.js';
import { Tenancy } from '../../owners/tenancy.js';
import { ConversationInfoCache } from '../../registry/conversation-info-cache.js';
import { ConversationRegistry } from '../../registry/conversation-registry.js';
import type { RequestedConversation, StartConversationRequest } from '../../state/start-request.js';
import type { ImportReport } from '../reading/notes.js';
import { zoneOf } from '../reading/time-shift.js';
import type { SourceFiles } from '../sources/source-files.js';
import { ConversationImporter, type ImportOptions, type ImportResult } from './conversation-importer.js';
import { withUploadedArchive } from './uploaded-archive.js';

/** Archives that are imported at the same time: each takes as much of the disk as it is large. */
const MAX_IMPORTS = 2;

/** As many archives are being imported as may be at a time. */
class ImportLimitError extends DomainError {
  override readonly name = 'ImportLimitError';
  readonly kind = 'limit-reached';
  constructor() {
    super(`Only ${MAX_IMPORTS} archives are imported at a time, one for a key; try again later`);
  }
}

/** The conversation of an archive is here, and another one. */
class DifferentConversationError extends DomainError {
  override readonly name = 'DifferentConversationError';
  readonly kind = 'conflict';
}

/** What a client wants besides the archive. */
export interface ArchiveImportRequest {
  newId: boolean;
  dryRun: boolean;
  timeZone: string | null;
}

/** The answer to an import. */
export interface ArchiveImportAnswer {
  outcome: 'imported' | 'same';
  /** Null for a trial. */
  conversation: JsonObject | null;
  events: number;
  report: ImportReport;
}

/** Imports the conversation of an archive that a client sends. */
@Injectable()
export class ArchiveImportService {
  private active = 0;
  /** Keys of reach `own` with an import: each may have one, so that others get their turn. */
  private readonly importing = new Set<string>();

  constructor(
    private readonly importer: ConversationImporter,
    private readonly registry: ConversationRegistry,
    private readonly infos: ConversationInfoCache,
    private readonly tenancy: Tenancy,
    private readonly ownership: Ownership,
    private readonly workspaces: KeyWorkspaces,
    private readonly limiter: KeyLimiter,
    private readonly config: AppConfig,
  ) {}

  /**
   * @throws ImportLimitError, InvalidRequestError, ForbiddenError, ConversationExistsError,
   *   DifferentConversationError
   */
  async import(
    request: HttpRequest,
    wanted: ArchiveImportRequest,
    principal: Principal,
  ): Promise<ArchiveImportAnswer> {
    const { timeZone } = wanted;
    const zone = timeZone === null ? undefined : zoneOf(timeZone);
    if (timeZone !== null && !zone)
      throw new InvalidRequestError(['query', 'time_zone'], 'unknown time zone', timeZone);
    const ownKey = ownerFilter(principal) === undefined ? undefined : principal.id;
    if (this.active >= MAX_IMPORTS || (ownKey !== undefined && this.importing.has(ownKey)))
      throw new ImportLimitError();
    this.active += 1;
    if (ownKey !== undefined) this.importing.add(ownKey);
    try {
      const options: ImportOptions = {
        ...{ secretKeys: [], workspaces: [], zone, newId: wanted.newId, dryRun: wanted.dryRun },
        onEvents: () => undefined,
        // Others could say of any key and of this day what models have cost, and so spend every budget.
        dropsCalls: principal.scope !== 'admin',
        admit: (requested) => this.admit(requested, principal),
      };
      return await withUploadedArchive(request, this.config.max_upload_bytes, (files) =>
        this.importOne(files, options, principal),
      );
    } finally {
      this.active -= 1;
      if (ownKey !== undefined) this.importing.delete(ownKey);
    }
  }

  private async importOne(
    files: SourceFiles,
    options: ImportOptions,
    principal: Principal,
  ): Promise<ArchiveImportAnswer> {
    const result = await this.importer.import(files, options, async (state, fill) => {
      const giveBack = await this.limiter.takeConversation(state.owner_key);
      try {
        const { conversation, created } = await this.registry.create(state, fill);
        if (!created) throw new ConversationExistsError(state.id);
        await conversation.publishChange();
      } catch (error) {
        giveBack();
        throw error;
      }
    });
    await this.assertDone(result, principal);
    const { outcome, id, events, report } = result;
    const isStored = id !== null && (outcome === 'same' || !options.dryRun);
    const info = isStored ? await this.infos.info(id, { includeSkills: false, runtimeInfo: false }) : null;
    return { outcome: outcome === 'same' ? 'same' : 'imported', conversation: info, events, report };
  }

  /** Nothing is told of a conversation of somebody else but that the id is taken. */
  private async assertDone({ outcome, id, reason }: ImportResult, principal: Principal): Promise<void> {
    if (outcome === 'refused') throw new InvalidRequestError(['body', 'file'], reason ?? '');
    if (id === null || outcome === 'imported') return;
    if (!(await this.ownership.isVisible(id, principal))) throw new ConversationExistsError(id);
    if (outcome === 'different') throw new DifferentConversationError(reason ?? '');
  }

  /** A key of its own works in its own folder, whatever folder the conversation had. */
  private async admit(
    request: RequestedConversation,
    principal: Principal,
  ): Promise<StartConversationRequest> {
    if (ownerFilter(principal) === undefined) return this.tenancy.admit(request, principal);
    const root = await this.workspaces.folderOf(principal.id);
    const { working_dir: folder } = request.workspace;
    const own = request.conversation_id?.replaceAll('-', '') ?? 'imported';
    const working_dir = isInside(root, path.resolve(root, folder)) ? folder : own;
    const { parent_conversation_id: parent } = request;
    const isKnown = parent !== null && (await this.ownership.isVisible(parent, principal));
    return this.tenancy.admit(
      {
        ...request,
        parent_conversation_id: isKnown ? parent : null,
        workspace: { ...request.workspace, working_dir },
      },
      principal,
    );
  }
}
