import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { ConversationsService, HiddenTexts } from '../conversations/index.js';
import { KnownSecrets } from '../crypto/index.js';
import { turnForLine } from '../flow/index.js';
import { persistenceRoot } from '../files/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../json/index.js';
import { Redaction } from './redaction.js';

/** Fields of a conversation that a share link shows. */
const FIELDS = ['id', 'title', 'execution_status', 'created_at', 'updated_at'] as const;

/** A page of redacted events. */
interface SharedEvents {
  items: unknown[];
  next_page_id: string | null;
}

/** What people with a share link see of a conversation. */
@Injectable()
export class SharedView {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly hidden: HiddenTexts,
    private readonly known: KnownSecrets,
    private readonly config: AppConfig,
  ) {}

  /** The conversation, without its configuration. @throws ConversationNotFoundError */
  async info(id: string): Promise<JsonObject> {
    const info = await this.conversations.info(id, false);
    const agent = asJsonObject(info['agent']);
    const { model = null } = asJsonObject(agent['llm']);
    const shown = { ...Object.fromEntries(FIELDS.map((name) => [name, info[name] ?? null])), model };
    return asJsonObject((await this.redaction(id)).value(shown));
  }

  /** A page of events, oldest first. @throws ConversationNotFoundError */
  async events(id: string, pageId: string | undefined, limit: number): Promise<SharedEvents> {
    const redaction = await this.redaction(id);
    const query = { pageId, limit, descending: false };
    const { items, next } = await this.conversations.mapEvents(id, query, async (line): Promise<unknown> => {
      const turn = turnForLine();
      if (turn) await turn;
      return JSON.parse(redaction.event(line));
    });
    return { items: items.filter(isJsonObject), next_page_id: next };
  }

  /** What to leave out of a conversation. @throws ConversationNotFoundError */
  async redaction(id: string): Promise<Redaction> {
    const { mask, folders } = await this.hidden.of(id);
    const { base_dir, conversations_path, paths } = this.config;
    return new Redaction({
      mask: (text) => this.known.mask(mask(text)),
      folders: [
        ...folders.map((folder) => [folder, '<workspace>'] as const),
        [paths.keyWorkspaces, '<workspaces>'],
        [paths.worktrees, '<worktrees>'],
        [paths.conversations, '<conversations>'],
        [conversations_path, '<conversations>'],
        [persistenceRoot(base_dir), '<settings>'],
        [base_dir, '<server>'],
      ],
    });
  }
}
