#!/usr/bin/env node
/**
 * Watches a conversation: prints each event in a line as it happens.
 *
 *     node examples/watch.mjs <conversation id> [http://localhost:8000]
 *
 * With a session key: SESSION_API_KEY=... node examples/watch.mjs ...
 */
import { WebSocket } from 'ws';

const [id, server = 'http://localhost:8000'] = process.argv.slice(2);
if (!id) {
  console.error('usage: node examples/watch.mjs <conversation id> [http://localhost:8000]');
  process.exit(2);
}

const key = process.env.SESSION_API_KEY;
const url = new URL(`/sockets/events/${id}?resend_mode=all`, server);
url.protocol = url.protocol.replace('http', 'ws');
const socket = new WebSocket(url, { headers: key ? { 'X-Session-API-Key': key } : {} });

socket.on('message', (frame) => {
  const event = JSON.parse(frame.toString());
  console.log(event.timestamp.slice(11, 23), event.source.padEnd(11), event.kind, describe(event));
});
socket.on('error', (error) => console.error(error.message));
socket.on('close', (code, reason) => console.log(`closed: ${code} ${reason}`));

/** What an event is about, in a few words. */
function describe(event) {
  const text = (content) => content?.map((block) => block.text ?? '(image)').join(' ') ?? '';
  switch (event.kind) {
    case 'MessageEvent':
      return text(event.llm_message.content);
    case 'ActionEvent':
      return event.summary ?? event.tool_call.arguments;
    case 'ObservationEvent':
      return text(event.observation.content);
    case 'ConversationStateUpdateEvent':
      return event.key === 'execution_status' ? `${event.key} = ${event.value}` : event.key;
    case 'StreamingDeltaEvent':
      return event.content ?? event.reasoning_content ?? '';
    default:
      return event.error ?? event.detail ?? '';
  }
}
