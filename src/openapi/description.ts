/** The description of the whole API. It includes the sockets, which OpenAPI cannot express. */
export const DESCRIPTION = `Runs AI coding agents and lets people watch and steer them.

A conversation is an append-only log of events with a state derived from it. Start a conversation, send messages, and
follow its events over a socket or by reading the log. Operations with the tag \`Aliases\` repeat other operations
without the prefix \`/api\`, for clients of the first version.

**Keys.** Send a session key, or a named key, as \`X-Session-API-Key\` or as \`Authorization: Bearer\`. A server without session
keys needs none. A session key may do everything. What a named key has to allow is stated at each operation
(\`x-required-scope\`, \`x-own-keys\`); otherwise the answer is 403. \`GET /api/keys/current\` tells what your key may do.

**Examples.** Each body has an example that works as it stands, with a model inside the server that needs no key. Start with
\`POST /api/conversations\`: other examples use its conversation. What has to be sent before an example is written above it.

**Errors.** The body of an error is \`{"detail": "What is wrong."}\`; 5xx may also have \`exception\` and \`error_id\`, which is in the
log of the server. With 422 \`detail\` is a list of problems: \`loc\` (where), \`msg\` (what), \`type\`, \`input\`.

**Nulls.** Lists of events and sockets omit fields that are null; reads of a single event include them.

**Sockets**

- \`/sockets/events/{conversation_id}\`: one event as JSON per frame, first a snapshot of the state
  (\`ConversationStateUpdateEvent\` with the key \`full_state\`), then live events. \`resend_mode=all\` first replays the
  whole log, \`resend_mode=since&after_timestamp=...\` the events from that time on. Send
  \`{"role": "user", "content": "text"}\` to send a message and start a run.
- \`/sockets/session/{conversation_id}\`: the same events in envelopes with sequence numbers
  (\`{"type": "durable", "seq": 7, "event": {...}}\`); \`after_seq=n\` resumes after event n, \`-1\` replays all events.
- \`/conversations/{conversation_id}/events/socket\`: like the first, for clients that send
  \`{"type": "message", "content": "text"}\`.
- \`/sockets/conversations\`: the summary of each conversation that changes.
- \`/sockets/bash-events\`: commands of the bash routes and their output.
- \`/sockets/shared/{conversation_id}?share_token=...\`: new events of a shared conversation, with the token of a share link.

Send a key in the query (\`session_api_key\`), the header, or the first frame
(\`{"type": "auth", "session_api_key": "..."}\`). Close codes: 4001 wrong, expired or revoked key,
4003 a key that does not allow the socket, 4004 unknown conversation, 1012 shutdown, 1013 too many sockets or a client that
reads too slowly.
`;
