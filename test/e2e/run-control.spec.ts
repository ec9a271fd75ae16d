import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brief } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

describe('run control', () => {
  const fixture = ServerFixture.forTests();

  it('answers a pause at once, pauses the run after the current step and continues it', async () => {
    const script = 'RUN: touch started; while [ ! -e go ]; do sleep 0.05; done\nRUN: echo second\nSAY: end';
    const conversation = await fixture.create(script);
    await eventually(
      async () => (await conversation.events('&kind=ActionEvent')).length > 0,
      'the first action',
    );
    expect((await conversation.post('pause')).body).toEqual({ success: true });
    expect(await conversation.status()).toBe('running');
    await conversation.send('RUN: touch go-on', false);
    await writeFile(path.join(fixture.workspace, 'go'), '');
    await conversation.reaches('paused');
    expect((await conversation.events()).slice(-3).map(brief)).toEqual([
      'ObservationEvent',
      'execution_status=paused',
      'PauseEvent',
    ]);
    expect((await conversation.post('run')).status).toBe(200);
    await conversation.reaches('finished');
  });

  it('interrupts a tool at once, and keeps the shell usable', async () => {
    const script = 'RUN: export WORD=kept\nRUN: sleep 1000\nRUN: echo $WORD\nSAY: end';
    const conversation = await fixture.create(script);
    await eventually(
      async () => (await conversation.events('&kind=ActionEvent')).length > 1,
      'the second action',
    );
    expect((await conversation.post('interrupt')).body).toEqual({ success: true });
    expect(await conversation.status()).toBe('paused');
    expect((await conversation.events()).slice(-3).map(brief)).toEqual([
      'AgentErrorEvent',
      'execution_status=paused',
      'InterruptEvent',
    ]);
    await conversation.post('run');
    await conversation.reaches('finished');
    expect(JSON.stringify((await conversation.events('&kind=ObservationEvent')).at(-1))).toContain('kept');
  });

  it('interrupts a model call at once', async () => {
    const conversation = await fixture.create('WAIT: 1000\nSAY: late');
    await conversation.reaches('running');
    await conversation.post('interrupt');
    // What the call has cost is known only when it has ended.
    const events = (await conversation.events()).map(brief).filter((event) => event !== 'stats');
    expect(events.slice(-2)).toEqual(['execution_status=paused', 'InterruptEvent']);
  });

  it('rejects a second run, and accepts a run that has nothing to do', async () => {
    const conversation = await fixture.create('RUN: sleep 1\nSAY: end');
    await conversation.reaches('running');
    const second = await conversation.post('run');
    expect(second.status).toBe(409);
    expect(second.body).toEqual({
      detail: 'Conversation already running. Wait for completion or pause first.',
    });
    await conversation.reaches('finished');
    const before = await conversation.events();
    expect((await conversation.post('run')).status).toBe(200);
    await conversation.reaches('finished');
    expect(await conversation.events()).toEqual(before);
  });

  it('deletes a running conversation with all processes that its shell started', async () => {
    const script = 'RUN: (setsid sleep 777 &) ; nohup sleep 778 > /dev/null 2>&1 & sleep 779';
    const conversation = await fixture.create(script);
    const { persistence_dir } = await conversation.info();
    await eventually(async () => (await sleeping()).length >= 3, 'three sleep processes');
    const deleted = await fixture.server.request('DELETE', conversation.route);
    expect(deleted.body).toEqual({ success: true });
    await eventually(async () => (await sleeping()).length === 0, 'the end of the sleep processes');
    await expect(access(path.join(fixture.server.cwd, persistence_dir))).rejects.toThrow('ENOENT');
    await access(fixture.workspace);
  });
});

/** Command lines of the `sleep` processes that the test of deletion starts. */
async function sleeping(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (/^sleep\0(777|778|779)\0$/.test(command)) found.push(command);
  }
  return found;
}
