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
