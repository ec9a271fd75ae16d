import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyConversation } from '../../../bench/support/stored.mjs';

const TASKS = ['Repair the login', 'Write the release notes', 'Find the slow query', 'Update the packages'];
const TEAMS = ['web', 'data', 'tools'];
/** Between two copies: they were made over the last months. */
const SECONDS = 15 * 60;
const ID = /"id":"([0-9a-f-]{36})"/;
const TIMESTAMP = /"timestamp":"[^"]*"/;
/** Between two turns of a long conversation. */
const TURN_MS = 30_000;

/**
 * Copies stored conversations, with other titles, tags and times, until there are so many. The server must
 * not run.
 * @param ids of the conversations to copy in turn
 */
export function copyConversations(folder, ids, count) {
  for (let n = ids.length; n < count; n++) {
    copyConversation(folder, `/${ids[n % ids.length]}`, n * SECONDS, (text, name) =>
      name === 'metadata.json'
        ? text
            .replace('"title":null', `"title":"${TASKS[n % TASKS.length]} ${n}"`)
            .replace('"tags":{}', `"tags":{"team":"${TEAMS[n % TEAMS.length]}"}`)
        : text,
    );
  }
}

/**
 * Repeats what a conversation consists of after its system prompt until it has so many events. The last turn
 * stays as it was. The server must not run.
 */
export async function lengthen(folder, id, count) {
  const stored = path.join(folder, 'workspace/conversations', id.replaceAll('-', ''));
  const log = path.join(stored, 'events.jsonl');
  const [prompt, ...turn] = (await readFile(log, 'utf8')).trimEnd().split('\n');
  const turns = Math.ceil((count - 1) / turn.length);
  const first = idOf(prompt);
  const leaf = leafOf(turn);
  const end = Date.parse(`${/"timestamp":"([^"]*)"/.exec(turn.at(-1))[1]}Z`);
  const lines = [prompt.replace(TIMESTAMP, timestamp(end - turns * TURN_MS))];
  let parent = first;
  for (let left = turns - 1; left >= 0; left--) {
    const isLast = left === 0;
    const copies = new Map(turn.map((line) => [idOf(line), isLast ? idOf(line) : randomUUID()]));
    copies.set(first, parent);
    for (const [index, line] of turn.entries()) {
      const renamed = line.replace(
        /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
        (it) => copies.get(it) ?? it,
      );
      lines.push(renamed.replace(TIMESTAMP, timestamp(end - left * TURN_MS - (turn.length - index))));
    }
    parent = copies.get(leaf);
  }
  await writeFile(log, `${lines.join('\n')}\n`);
  const metadata = path.join(stored, 'metadata.json');
  const text = await readFile(metadata, 'utf8');
  await writeFile(metadata, text.replace(/"log_position":\d+/, `"log_position":${lines.length}`));
}

function idOf(line) {
  return ID.exec(line)[1];
}

/** The last event that others can follow: state updates are no part of the chain. */
function leafOf(lines) {
  return idOf(lines.findLast((line) => !line.includes('"kind":"ConversationStateUpdateEvent"')));
}

function timestamp(ms) {
  return `"timestamp":"${new Date(ms).toISOString().replace('Z', '000')}"`;
}
