import { zipArchive } from '../../src/files/index.js';
import type { OriginalConversation } from './original-conversation.js';

/** A trajectory zip of conversations of the original, with further files. */
export async function trajectoryZip(
  conversations: readonly OriginalConversation[],
  more: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  const files = conversations.flatMap((conversation): [string, string][] => [
    [`${conversation.hex}/meta.json`, JSON.stringify(conversation.meta())],
    [`${conversation.hex}/base_state.json`, JSON.stringify(conversation.base())],
    ...conversation.events.map((event, index): [string, string] => [
      `${conversation.hex}/events/${conversation.fileOf(index)}`,
      JSON.stringify(event),
    ]),
  ]);
  async function* members() {
    for (const [name, content] of [...files, ...Object.entries(more)])
      yield await Promise.resolve({
        name,
        mode: 0o600,
        modified: new Date(0),
        content: Buffer.from(content),
      });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of zipArchive(members())) chunks.push(chunk);
  return Buffer.concat(chunks);
}
