import { Injectable } from '@nestjs/common';
import path from 'node:path';
import { AppConfig } from '../../../config/index.js';
import { Cipher, KnownSecrets, sealForOriginal, SecretCodec } from '../../../crypto/index.js';
import { BashHistories, ConversationFolders } from '../../../storage/index.js';
import { ConversationStore } from '../../registry/conversation-store.js';
import { conversationDocuments } from '../../state/conversation-documents.js';
import { masked, UNMASKED } from '../layout/masked-json.js';
import { trajectory, trajectoryMembers, type TrajectorySource } from '../layout/trajectory.js';
import { writeMembers } from './write-members.js';

/**
 * What takes the place of secrets: `**********`, for people; or tokens of the configured key, for another
 * server with the same key.
 */
export type SecretForm = 'masked' | 'sealed';

/** A stored conversation in the layout of the original's storage. Close it. */
export class ExportedConversation {
  constructor(private readonly source: TrajectorySource) {}

  /** How many events it has. */
  get events(): number {
    return this.source.log.length;
  }

  /** The folder as a zip, created while it is read. */
  zip(): AsyncGenerator<Buffer, void> {
    return trajectory(this.source);
  }

  /**
   * Writes the folder into `parent`. It is moved there when it is complete.
   * @param scratch a folder of the same file system for what is not complete
   * @returns false if there is one of its name
   */
  writeTo(parent: string, scratch: string): Promise<boolean> {
    return writeMembers(trajectoryMembers(this.source), parent, path.basename(this.source.folder), scratch);
  }

  async close(): Promise<void> {
    await this.source.log.close();
  }
}

/** Reads stored conversations for exports, whether a server has them open or not. */
@Injectable()
export class ConversationExporter {
  constructor(
    private readonly store: ConversationStore,
    private readonly folders: ConversationFolders,
    private readonly histories: BashHistories,
    private readonly codec: SecretCodec,
    private readonly cipher: Cipher,
    private readonly known: KnownSecrets,
    private readonly config: AppConfig,
  ) {}

  /** @throws ConversationNotFoundError; DamagedConversationError for a log that is no file */
  async open(id: string, secrets: SecretForm): Promise<ExportedConversation> {
    const { log, state } = await this.store.readAvailable(id);
    const { conversations_path } = this.config;
    const seal = { mask: (part: Record<string, unknown>) => sealForOriginal(part, this.cipher) };
    const codec = secrets === 'sealed' ? seal : this.codec;
    return new ExportedConversation({
      log,
      ...(state && { documents: conversationDocuments(state, conversations_path, codec) }),
      folder: this.folders.folder(id),
      bashEvents: this.histories.lines(id),
      masking: secrets === 'sealed' ? UNMASKED : masked((text) => this.known.mask(text)),
    });
  }
}
