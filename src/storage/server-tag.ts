import { createHash, randomUUID } from 'node:crypto';

/** Characters of an id that tell its server. */
const TAG_LENGTH = 8;

/** A new id for something that only one server has: others find that server by it, without storing it. */
export function idOfServer(serverId: string): string {
  const random = randomUUID();
  // Version 8: the meaning of the bits is that of whoever makes the id (RFC 9562).
  return `${tagOf(serverId)}${random.slice(TAG_LENGTH, 14)}8${random.slice(15)}`;
}

/** Whether a server has made an id. Another one has with a chance of one in four billion. */
export function isIdOfServer(id: string, serverId: string): boolean {
  return id.slice(0, TAG_LENGTH).toLowerCase() === tagOf(serverId);
}

function tagOf(serverId: string): string {
  return createHash('sha256').update(serverId).digest('hex').slice(0, TAG_LENGTH);
}
