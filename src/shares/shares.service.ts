import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { NamedKeys, type Principal, SESSION } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { EventBus, type ClosingConversation } from '../events/index.js';
import { isJsonObject, type JsonObject } from '../json/index.js';
import { Catalogue, Documents } from '../storage/index.js';
import { NoShareError, UnknownShareError } from './share-errors.js';
import { newShareId, ShareTokens, type ShareClaims } from './share-token.js';

/** A share link of a conversation, without its token. */
export interface Share {
  id: string;
  /** UTC with `Z`. */
  created_at: string;
  expires_at: string;
  /** The name of the key that made it. */
  created_by: string;
}

/** A stored share. */
interface StoredShare extends Share {
  /** When the conversation was created: another one with the same id is not shared. */
  conversation_created_at: string;
  /** The id of the key that made it, with which it ends; undefined in links of an earlier version. */
  key_id?: string;
}

const FOLDER = 'shares';
/** Most valid links of one conversation. */
const MAX_SHARES = 50;

/**
 * The share links of conversations: read-only, for everybody who has one, until they expire or are revoked,
 * or their conversation or the key that made them ends. The token proves that this server, or another one
 * with its secret key, has made the link; the stored share says that it was not revoked.
 */
@Injectable()
export class SharesService implements OnModuleInit, OnModuleDestroy {
  private readonly tokens: ShareTokens;
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly documents: Documents,
    private readonly catalogue: Catalogue,
    private readonly bus: EventBus,
    private readonly keys: NamedKeys,
    config: AppConfig,
  ) {
    this.tokens = new ShareTokens(config);
  }

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', {
      onEvent: () => undefined,
      onClosing: (it) => this.onClosing(it),
    });
  }

  onModuleDestroy(): void {
    this.unsubscribe?.();
  }

  /**
   * Makes a share link. The token is told once and not stored.
   * @param expiresIn seconds
   * @throws NoShareError
   */
  async create(id: string, expiresIn: number, maker: Principal): Promise<{ share: Share; token: string }> {
    if (!this.tokens.enabled)
      throw new NoShareError('Share links are signed with the secret key of the server. Set OH_SECRET_KEY.');
    const entry = await this.catalogue.entry(id);
    if (!entry) throw new UnknownShareError();
    const now = Date.now();
    const expiresAt = Math.floor(now / 1000) + expiresIn;
    const share: StoredShare = {
      id: newShareId(),
      created_at: new Date(now).toISOString(),
      expires_at: new Date(expiresAt * 1000).toISOString(),
      created_by: maker.name,
      key_id: maker.id,
      conversation_created_at: entry.created_at,
    };
    await this.documents.change(async (writer) => {
      const others = await this.valid(id);
      if (others.length >= MAX_SHARES)
        throw new NoShareError(`A conversation has at most ${MAX_SHARES} share links. Revoke one first.`);
      await writer.write(nameOf(id), { shares: [...others, share] });
    });
    const token = this.tokens.write({ conversationId: id, shareId: share.id, expiresAt });
    return { share: shown(share), token };
  }

  /** The valid links of a conversation, oldest first. */
  async list(id: string): Promise<Share[]> {
    return (await this.valid(id)).map(shown);
  }

  /** @throws UnknownShareError */
  async revoke(id: string, shareId: string): Promise<void> {
    await this.documents.change(async (writer) => {
      const shares = await this.valid(id);
      const others = shares.filter((share) => share.id !== shareId);
      if (others.length === shares.length) throw new UnknownShareError();
      if (others.length === 0) await writer.remove(nameOf(id));
      else await writer.write(nameOf(id), { shares: others });
    });
  }

  /** The claims of a token whose link is valid for this conversation now; undefined for any other. */
  async check(token: string, conversationId: string): Promise<ShareClaims | undefined> {
    const claims = this.tokens.read(token);
    if (claims?.conversationId !== conversationId) return undefined;
    const share = (await this.valid(conversationId)).find(({ id }) => id === claims.shareId);
    return share ? claims : undefined;
  }

  private async valid(id: string): Promise<StoredShare[]> {
    const [document, entry] = await Promise.all([this.documents.read(nameOf(id)), this.catalogue.entry(id)]);
    const listed: unknown = document?.['shares'];
    if (!Array.isArray(listed) || !entry) return [];
    const now = new Date().toISOString();
    const shares = listed
      .filter((share): share is StoredShare & JsonObject => isJsonObject(share) && isShare(share))
      .filter((share) => share.expires_at > now && share.conversation_created_at === entry.created_at);
    const hold = await Promise.all(shares.map((share) => this.makerIsValid(share)));
    return shares.filter((_, index) => hold[index]);
  }

  /** Whether the key that made a link is valid. No named key is called `session`. */
  private async makerIsValid({ key_id: id, created_by }: StoredShare): Promise<boolean> {
    if (id === undefined) return created_by === SESSION.name;
    return id === SESSION.id || this.keys.isValid(id);
  }

  private async onClosing({ conversationId: id, removed }: ClosingConversation): Promise<void> {
    if (!removed || (await this.documents.read(nameOf(id))) === undefined) return;
    await this.documents.change((writer) => writer.remove(nameOf(id)));
  }
}

function nameOf(id: string): string {
  return `${FOLDER}/${id.replaceAll('-', '')}.json`;
}

function isShare(share: JsonObject): boolean {
  const fields = ['id', 'created_at', 'expires_at', 'created_by', 'conversation_created_at'];
  const { key_id } = share;
  return (
    fields.every((name) => typeof share[name] === 'string') &&
    (key_id === undefined || typeof key_id === 'string')
  );
}

function shown({ conversation_created_at: _created, key_id: _maker, ...share }: StoredShare): Share {
  return share;
}
