import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../storage/index.js';
import type { Conversation } from './conversation.js';
import type { IncomingMessage, StartConversationRequest } from './start-request.js';

export type ConversationSortOrder = 'CREATED_AT' | 'UPDATED_AT' | 'CREATED_AT_DESC' | 'UPDATED_AT_DESC';

/** Filters and paging of the list of conversations. */
export interface ConversationQuery {
  pageId?: string;
  limit: number;
  status?: string;
  sortOrder: ConversationSortOrder;
  includeSkills: boolean;
}

/** Filters of events; all optional, all must match. */
export interface EventFilter {
  kind?: string;
  source?: string;
  /** Case-insensitive substring of a message's text. */
  body?: string;
  /** Naive local time, as event timestamps are. */
  timestampGte?: string;
  timestampLt?: string;
}

/** Filters and paging of a conversation's events. */
export interface EventQuery extends EventFilter {
  pageId?: string;
  limit: number;
  descending: boolean;
}

/** A page of events as the raw lines of the log. */
export interface EventPage {
  lines: string[];
  nextPageId: string | null;
}

/**
 * The use cases around conversations. Unknown ids throw `ConversationNotFoundError`. `ConversationInfo` objects are
 * plain JSON with the wire's keys in the wire's order, nulls kept.
 */
@Injectable()
export class ConversationsService {
  /** Creates a conversation, or answers the existing one of that id (`created` false). An initial message starts a run. */
  create(_request: StartConversationRequest): Promise<{ info: JsonObject; created: boolean }> {
    return notYet();
  }
  info(_id: string, _includeSkills: boolean): Promise<JsonObject> {
    return notYet();
  }
  /** In the order asked; null for unknown ids. */
  batch(_ids: readonly string[], _includeSkills: boolean): Promise<(JsonObject | null)[]> {
    return notYet();
  }
  search(_query: ConversationQuery): Promise<{ items: JsonObject[]; next_page_id: string | null }> {
    return notYet();
  }
  count(_status?: string): Promise<number> {
    return notYet();
  }
  update(_id: string, _change: { title?: string; tags?: Record<string, string> }): Promise<void> {
    return notYet();
  }
  delete(_id: string): Promise<void> {
    return notYet();
  }
  sendMessage(_id: string, _message: IncomingMessage, _run: boolean): Promise<void> {
    return notYet();
  }
  run(_id: string): Promise<void> {
    return notYet();
  }
  pause(_id: string): Promise<void> {
    return notYet();
  }
  interrupt(_id: string): Promise<void> {
    return notYet();
  }
  respondToConfirmation(_id: string, _accept: boolean, _reason: string): Promise<void> {
    return notYet();
  }
  /** The last `finish` message, or the text of the last agent message, else empty. */
  finalResponse(_id: string): Promise<string> {
    return notYet();
  }
  searchEvents(_id: string, _query: EventQuery): Promise<EventPage> {
    return notYet();
  }
  countEvents(_id: string, _filter: EventFilter): Promise<number> {
    return notYet();
  }
  /** Raw lines in the order asked; null for unknown event ids. */
  eventLines(_id: string, _eventIds: readonly string[]): Promise<(string | null)[]> {
    return notYet();
  }
  /** The live conversation, opened once for all who ask. Throws also when another live server owns it. */
  open(_id: string): Promise<Conversation> {
    return notYet();
  }
}

function notYet(): never {
  throw new Error('not built yet');
}
