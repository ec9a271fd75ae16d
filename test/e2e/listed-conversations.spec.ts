import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { eventually } from '../support/server-process.js';
import { twoServersForTests } from '../support/two-servers.js';

/** Age of a snapshot (ms) from which lists may cache what they show of it. */
const OLD_MS = 1_200;

describe('lists of conversations that another server has open', () => {
  const both = twoServersForTests();

  /** The title of a conversation in a search, in a batch and by itself. */
  const titles = async (server: ServerProcess, { id, route }: ConversationClient): Promise<unknown[]> => {
    const list = (await server.request('GET', '/api/conversations/search?limit=5')).body as {
      items: { title: unknown }[];
    };
    const batch = await server.request('GET', `/api/conversations?ids=${id}`);
    const [one] = batch.body as { title: unknown }[];
    const single = (await server.request('GET', route)).body as { title: unknown };
    return [...list.items, one, single].map((info) => info?.title);
  };

  const metadataOf = ({ id }: ConversationClient): string =>
    path.join(both.folder, 'workspace', 'conversations', id.replaceAll('-', ''), 'metadata.json');

  const isOld = async (file: string): Promise<boolean> => Date.now() - (await stat(file)).ctimeMs > OLD_MS;

  it('shows each change at once, however often the conversation was listed before', async () => {
    const [owner, other] = both.servers as [ServerProcess, ServerProcess];
    const mine = await ConversationClient.create(
      owner,
      scriptedRequest(path.join(both.folder, 'work'), 'FINISH: x'),
    );
    await mine.reaches('finished');
    const file = metadataOf(mine);
    // On a busy machine a server looks for new folders of others a little later.
    await eventually(async () => (await titles(other, mine)).length === 3, 'the conversation in the list');
    for (const title of ['one', 'two', 'six']) {
      expect((await owner.request('PATCH', mine.route, { title })).status).toBe(200);
      expect(await titles(other, mine)).toEqual([title, title, title]);
      await eventually(() => isOld(file), 'an old snapshot');
      for (let i = 0; i < 3; i += 1) expect(await titles(other, mine)).toEqual([title, title, title]);
    }
    await owner.end();
    await eventually(() => isOld(file), 'an old snapshot');
    expect(await titles(other, mine)).toEqual(['six', 'six', 'six']);

    // A change by hand: the same file with the same length.
    await writeFile(file, (await readFile(file, 'utf8')).replace('"title":"six"', '"title":"ten"'));
    expect(await titles(other, mine)).toEqual(['ten', 'ten', 'ten']);

    // From now on the other server has it open.
    expect((await other.request('PATCH', mine.route, { title: 'end' })).status).toBe(200);
    expect(await titles(other, mine)).toEqual(['end', 'end', 'end']);
    expect((await other.request('DELETE', mine.route)).status).toBe(200);
    const { body } = await other.request('GET', `/api/conversations?ids=${mine.id}`);
    expect(body).toEqual([null]);
  });
});
