import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const read = new Map();

/**
 * Copies a stored conversation under a new id, whatever the format of the server is: the id is replaced
 * wherever it stands, and the conversation is made and changed so many seconds earlier. The server must not
 * run.
 */
export function copyConversation(folder, route, secondsEarlier) {
  const id = route.split('/').at(-1);
  const copy = randomUUID();
  const conversations = path.join(folder, 'workspace', 'conversations');
  const source = path.join(conversations, withoutDashes(id));
  const target = path.join(conversations, withoutDashes(copy));
  if (!read.has(source)) read.set(source, filesOf(source));
  mkdirSync(target);
  for (const { name, text } of read.get(source)) {
    const file = path.join(target, name);
    mkdirSync(path.dirname(file), { recursive: true });
    const renamed = text.replaceAll(id, copy).replaceAll(withoutDashes(id), withoutDashes(copy));
    writeFileSync(
      file,
      renamed.replace(TIME, (_, before, time) => before + earlier(time, secondsEarlier)),
      {
        mode: 0o600,
      },
    );
  }
}

/** When a conversation was made and changed, as both servers write it. */
const TIME = /("(?:created|updated)_at": ?")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)/g;

function earlier(time, seconds) {
  return new Date(Date.parse(`${time}Z`) - seconds * 1000).toISOString().slice(0, 19);
}

/** Without what only the server that holds a conversation has there. */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('owner_lease'))
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return { name: path.relative(folder, file), text: readFileSync(file, 'utf8') };
    });
}

function withoutDashes(id) {
  return id.replaceAll('-', '');
}
