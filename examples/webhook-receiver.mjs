#!/usr/bin/env node
/**
 * Receives webhooks: checks the signature, leaves out what came twice, and prints a line for each event and
 * change.
 *
 *     WEBHOOK_SECRET=whsec_... node examples/webhook-receiver.mjs [port, 9000]
 *
 * The server that sends to it, with the same secret (`echo whsec_$(openssl rand -base64 32)` makes one):
 *
 *     OH_WEBHOOKS_0_BASE_URL=http://localhost:9000 OH_WEBHOOKS_0_SECRET=$WEBHOOK_SECRET npm start
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const MOST_BYTES = 64 * 1024 * 1024;
const MOST_SECONDS = 5 * 60;
/** Ids of the last events; a real receiver keeps them where it keeps the events. */
const seen = new Set();
const MOST_SEEN = 100_000;

const port = Number(process.argv[2] ?? 9000);
const secret = process.env.WEBHOOK_SECRET;
const key = secret && Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
if (!key) console.error('WEBHOOK_SECRET is not set: signatures are not checked');

createServer(async (request, response) => {
  try {
    const body = await read(request);
    const complaint = key && complaintAbout(request.headers, body);
    if (complaint) {
      console.error(`refused: ${complaint}`);
      return void response.writeHead(401).end(complaint);
    }
    take(request.headers['x-conversation-id'], JSON.parse(body));
    // Only now: what is answered with 2xx is not sent again.
    response.writeHead(204).end();
  } catch (error) {
    console.error(error.message);
    response.writeHead(400).end();
  }
}).listen(port, () => console.log(`waiting on http://localhost:${port}`));

async function read(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What is wrong with a delivery (https://www.standardwebhooks.com), or undefined. */
function complaintAbout(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) < MOST_SECONDS))
    return 'it is too old, or from the future';
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  const isRight = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return (
      signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected)
    );
  });
  return isRight ? undefined : 'the signature is wrong';
}

/** A list is of events; an object is a conversation that was made or changed. */
function take(conversation, content) {
  if (!Array.isArray(content)) {
    return console.log(`${conversation} is ${content.execution_status}: ${content.title ?? 'no title'}`);
  }
  for (const event of content) {
    if (seen.has(event.id)) continue;
    seen.add(event.id);
    if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value);
    console.log(`${conversation} ${event.timestamp} ${event.kind} ${event.key ?? event.tool_name ?? ''}`);
  }
}
