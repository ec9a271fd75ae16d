/** What the API document says of the API as a whole; the sockets are described here, OpenAPI knows none. */
export const DESCRIPTION = `Runs AI coding agents and lets people watch and steer them.

A conversation is an append-only log of events and a little state. Start one, send messages, and follow its events
over a socket or by reading the log. Operations with the tag \`Aliases\` are others of this document without \`/api\`, for
clients of the first version.

**Keys.** When session keys are configured, send one as \`X-Session-API-Key\` or as \`Authorization: Bearer\`.

**Nulls.** Lists of events and sockets leave fields out that are null; single reads show them.

**Sockets**

- \`/sockets/events/{conversation_id}\`: one event as JSON per frame, first a snapshot of the state
  (\`ConversationStateUpdateEvent\` with the key \`full_state\`), then what happens. \`resend_mode=all\` replays the whole
  log first; \`resend_mode=since&after_timestamp=...\` what happened from that moment on. Send
  \`{"role": "user", "content": "text"}\` to say something and run.
- \`/sockets/session/{conversation_id}\`: the same in envelopes with sequence numbers
  (\`{"type": "durable", "seq": 7, "event": {...}}\`); \`after_seq=n\` resumes after event n, \`-1\` replays all.
- \`/conversations/{conversation_id}/events/socket\`: as the first, for clients that send
  \`{"type": "message", "content": "text"}\`.

A key goes into the query (\`session_api_key\`), the header, or the first frame
(\`{"type": "auth", "session_api_key": "..."}\`). Close codes: 4001 wrong key, 4004 unknown conversation, 1012 the server
stops, 1013 too many sockets or a client that reads too slowly.
`;
