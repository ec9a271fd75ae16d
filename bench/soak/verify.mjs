import { tokensOf } from './faults.mjs';

/** Allowed growth from the first minute of the last process to its end. */
const MORE_USED_MIB = 12;
const MORE_MEMORY_MIB = 128;
const MORE_FILES = 5;

/** Checks the final state. Returns the violations. */
export async function verify({ server, actors, receiver, first, last }) {
  const faults = actors.flatMap((actor) => actor.faults);
  const conversations = actors.flatMap((actor) => [...actor.conversations.values()]);
  const counts = { conversations: conversations.length, removed: 0, events: 0, tokens: 0, watched: 0 };
  for (const conversation of conversations) {
    counts.tokens += conversation.tokens.length;
    counts.watched += conversation.watchers.reduce((sum, { ids }) => sum + ids.length, 0);
    const arrived = receiver.arrived.get(conversation.id.replaceAll('-', ''));
    const own = conversation.tokens.slice(conversation.inherited);
    const lost = own.filter((token) => !arrived?.tokens.has(token));
    if (lost.length > 0) faults.push(`${conversation.id}: the webhook never got ${lost.join(', ')}`);
    if (conversation.removed) {
      counts.removed += 1;
      continue;
    }
    counts.events += await verifyOne(server, conversation, arrived, faults);
  }
  faults.push(...leaks(first, last));
  return { faults, counts };
}

/** @returns the number of its events */
async function verifyOne(server, conversation, arrived, faults) {
  const { id, tokens, isFork, watchers } = conversation;
  const { status, text } = await server.send('GET', `/api/conversations/${id}`);
  if (status !== 200) {
    faults.push(`${id} does not load: ${status} ${text.slice(0, 200)}`);
    return 0;
  }
  const events = await allEvents(server, id);
  const ids = events.map((event) => event.id);
  if (new Set(ids).size !== ids.length) faults.push(`${id}: an event is in the log twice`);
  const found = events.flatMap(tokensOf);
  for (const token of tokens) {
    const times = found.filter((other) => other === token).length;
    if (times !== 1) faults.push(`${id}: ${token} was acknowledged and is there ${times} times`);
  }
  for (const watcher of watchers) {
    if (watcher.ids.some((seen, seq) => seen !== ids[seq])) {
      faults.push(`${id}: a socket saw other events than there are, or in another order`);
    }
  }
  // Copied events of a fork are not delivered again.
  const delivered = [...(arrived?.ids ?? [])];
  const expected = isFork ? ids.slice(ids.length - delivered.length) : ids;
  const wrong = expected.findIndex((other, index) => other !== delivered[index]);
  if (wrong !== -1 || delivered.length !== expected.length) {
    faults.push(
      `${id}: the webhook got ${delivered.length} of ${expected.length} events` +
        (wrong === -1 ? '' : `, the ${wrong}th is not the next`),
    );
  }
  return events.length;
}

async function allEvents(server, id) {
  const events = [];
  for (let page = ''; page !== null;) {
    const query = page === '' ? '' : `&page_id=${page}`;
    const { text } = await server.send('GET', `/api/conversations/${id}/events/search?limit=100${query}`);
    const { items, next_page_id } = JSON.parse(text);
    events.push(...items);
    page = next_page_id;
  }
  return events;
}

function leaks(first, last) {
  const faults = [];
  if (last.used > first.used + MORE_USED_MIB) faults.push(`memory in use: ${first.used} -> ${last.used} MiB`);
  if (last.memory > first.memory + MORE_MEMORY_MIB)
    faults.push(`memory: ${first.memory} -> ${last.memory} MiB`);
  if (last.files.length > first.files.length + MORE_FILES)
    faults.push(`open files: ${counted(first.files)} -> ${counted(last.files)}`);
  if (last.processes > first.processes) faults.push(`processes: ${first.processes} -> ${last.processes}`);
  return faults;
}

/** The number of open files, in all and by kind. */
function counted(files) {
  const kinds = new Map();
  for (const file of files) kinds.set(file, (kinds.get(file) ?? 0) + 1);
  return `${files.length} (${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')})`;
}
