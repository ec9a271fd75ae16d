import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const read = new Map();

/**
 * Copies a stored conversation under a new id, for any storage format: all occurrences of the id are replaced
 * and its timestamps moved back. The server must not be running.
 * @param change of a file's text; it is also given the name of the file
 */
export function copyConversation(folder, route, secondsEarlier, change = (text) => text) {
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
      change(
        renamed.replace(TIME, (_, before, time) => before + earlier(time, secondsEarlier)),
        name,
      ),
      {
        mode: 0o600,
      },
    );
  }
}

/** Times of creation and change, as both servers write them. */
const TIME = /("(?:created|updated)_at": ?")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)/g;

function earlier(time, seconds) {
  return new Date(Date.parse(`${time}Z`) - seconds * 1000).toISOString().slice(0, 19);
}

/** All files but the lease of the owner. */
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
