#!/usr/bin/env node
/**
 * Watches a conversation: prints each event in a line as it happens, until the agent has stopped.
 *
 *     node examples/watch.mjs <conversation id> [http://localhost:8000] [--follow]
 *
 * With `--follow` it goes on watching. Variables: SESSION_API_KEY, AGENT_SERVER_URL.
 */
import { WebSocket } from 'ws';

const words = process.argv.slice(2);
const follow = words.includes('--follow');
const [id, server = process.env.AGENT_SERVER_URL ?? 'http://localhost:8000'] = words.filter(
  (word) => word !== '--follow',
);
if (!id) {
  console.error('usage: node examples/watch.mjs <conversation id> [http://localhost:8000] [--follow]');
  process.exit(2);
}

const key = process.env.SESSION_API_KEY;
const url = new URL(`/sockets/session/${id}?after_seq=-1`, server);
url.protocol = url.protocol.replace('http', 'ws');
const socket = new WebSocket(url, { headers: key ? { 'X-Session-API-Key': key } : {} });

socket.on('message', (data) => {
  const frame = JSON.parse(data.toString());
  if (frame.type === 'durable') show(frame.event);
  // The state comes after the events that were there before, and when the agent has stopped.
  if (frame.type === 'transient' && frame.event.key === 'full_state') {
    const { execution_status: status } = frame.event.value;
    if (!follow && !['idle', 'running'].includes(status)) socket.close();
  }
});
socket.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
socket.on('close', (code, reason) => {
  if (code === 1000 || code === 1005) return;
  console.error(`closed: ${code} ${reason}`);
  process.exitCode = 1;
});

/** Prints an event in a line; those that mean nothing to a person are left out. */
function show(event) {
  const words = describe(event);
  if (words === undefined) return;
  console.log(
    event.timestamp.slice(11, 19),
    event.source.padEnd(11),
    words.trim().replaceAll('\n', '\n    '),
  );
}

/** What an event is about. */
function describe(event) {
  const text = (content) => content.map((block) => block.text ?? '(image)').join(' ');
  switch (event.kind) {
    case 'SystemPromptEvent':
      return `system prompt with ${event.tools.length} tools`;
    case 'MessageEvent':
      return `message: ${text(event.llm_message.content)}`;
    case 'ActionEvent': {
      const thought = text(event.thought);
      const call = `action: ${event.summary ?? event.tool_name}`;
      return thought === '' ? call : `${thought}\n${call}`;
    }
    case 'ObservationEvent':
      return `result: ${text(event.observation.content) || '(none)'}`;
    case 'ConversationStateUpdateEvent':
      return event.key === 'execution_status' ? `status: ${event.value}` : undefined;
    default:
      return `${event.kind} ${event.error ?? event.detail ?? ''}`;
  }
}
