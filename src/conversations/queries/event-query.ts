/** Filters of events. All given filters must match. */
export interface EventFilter {
  kind?: string;
  /** Any kind but this one. */
  notKind?: string;
  source?: string;
  /** Case-insensitive substring of a message's text. */
  body?: string;
  /** Local time without a time zone, like event timestamps. */
  timestampGte?: string;
  timestampLt?: string;
}

/** Filters and paging of a conversation's events. */
export interface EventQuery extends EventFilter {
  pageId?: string;
  limit: number;
  descending: boolean;
}
