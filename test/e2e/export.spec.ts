import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CommandProgram } from '../support/command-program.js';
import { eventually } from '../support/eventually.js';
import { OriginalConversation } from '../support/original-conversation.js';

/** Enough for an export to be killed in the middle. */
const STEPS = 400;

describe('export', () => {
  let cwd: string;
  const conversation = new OriginalConversation({ steps: STEPS });

  beforeAll(async () => {
    cwd = await realpath(await mkdtemp(path.join(os.tmpdir(), 'export-')));
    await conversation.write(path.join(cwd, 'source'));
    expect((await CommandProgram.run(cwd, 'import', [path.join(cwd, 'source')])).code).toBe(0);
  });
  afterAll(() => rm(cwd, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

  it('leaves nothing that a server takes for a conversation when it is killed, and removes it later', async () => {
    const out = path.join(cwd, 'out');
    const args = [conversation.id, '--to', out];
    const killed = new CommandProgram(cwd, 'export', args);
    const begun = async (): Promise<boolean> => {
      const names = await readdir(out, { recursive: true }).catch(() => []);
      return names.some((name) => name.includes('/events/event-'));
    };
    await eventually(begun, 'a part of the export');
    killed.kill();
    await killed.result();
    const [left, ...others] = await readdir(out);
    expect([left, others]).toEqual([expect.stringMatching(/^openhands-export-/), []]);
    // The folder itself has no documents, which the original would read.
    expect(await readdir(path.join(out, left ?? ''))).toEqual([conversation.hex]);

    expect(await CommandProgram.run(cwd, 'export', args)).toMatchObject({ code: 0 });
    expect(await readdir(out)).toEqual([conversation.hex]);
    expect(await readdir(path.join(out, conversation.hex, 'events'))).toHaveLength(
      conversation.events.length,
    );
  });

  it('takes ids as the other commands do, and refuses what is none before it writes', async () => {
    const out = path.join(cwd, 'other');
    const { hex, id } = conversation;
    const odd = `${hex.slice(0, 3)}-${hex.slice(3)}`;
    const refused = await CommandProgram.run(cwd, 'export', [id, odd, '--to', out]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`'${odd}' is not the id of a conversation`);
    expect(await readdir(cwd)).not.toContain('other');
    for (const written of [hex.toUpperCase(), id]) {
      const { code } = await CommandProgram.run(cwd, 'export', [written, '--to', out, '--zip']);
      expect(code).toBe(0);
    }
    expect(await readdir(out)).toEqual([`${hex}.zip`]);
  });
});
