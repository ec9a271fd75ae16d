import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';

const NO_ID = '00000000-0000-4000-8000-000000000000';

/** The view of a conversation when the connection, the server, the key or the conversation is lost. */
export async function conversationConnection({
  openPage,
  server,
  startServer,
  step,
  api,
  axe,
  screenshots,
  expectProblems,
  until,
}) {
  const status = (page, text) => page.locator('.conversation-header .badge', { hasText: text }).waitFor();
  const send = async (page, text) => {
    await page.getByRole('textbox', { name: 'Message' }).fill(text);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
  };
  const waitForFile = (name) =>
    until(
      () =>
        access(path.join(server.folder, 'project', name)).then(
          () => true,
          () => false,
        ),
      name,
    );

  await step('a cut connection is reported, and what happened meanwhile comes after it', async () => {
    const proxy = await startProxy(server.url);
    try {
      const id = await server.conversation();
      const page = await openPage({ at: null });
      expectProblems(
        page,
        new RegExp(`other origin: \\S+:${proxy.port}/`),
        /request failed|socket failed|console error/,
      );
      await page.goto(`${proxy.url}/console/conversations/${id}`);
      await send(page, 'RUN: touch begun; while [ ! -e cut ]; do sleep 0.05; done\nFINISH: after the cut');
      await status(page, 'running');
      await waitForFile('begun');
      await proxy.cut();
      await page.getByText('The server cannot be reached; trying again.').waitFor();
      await writeFile(path.join(server.folder, 'project', 'cut'), '');
      await server.reaches(id, 'finished');
      await status(page, 'running');
      await proxy.mend();
      await status(page, 'finished');
      await page.getByText('after the cut').last().waitFor();
      await page.getByText('The server cannot be reached; trying again.').waitFor({ state: 'detached' });
      await page.close();
    } finally {
      await proxy.stop();
    }
  });

  await step('a server that is restarted during a run says so, and the run is tried again', async () => {
    const id = await server.conversation();
    const page = await openPage({ at: `conversations/${id}` });
    expectProblems(page, /request failed|socket failed|console error|^503 /);
    await send(page, 'RUN: sleep 600\nFINISH: never');
    await status(page, 'running');
    await page.getByRole('textbox', { name: 'Message' }).fill('a draft');
    await server.stop();
    await page.getByText('The server cannot be reached; trying again.').waitFor();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('Your message is kept.').waitFor();
    await screenshots(page, 'conversation-server-away');
    await server.start();
    await page.getByText('The server cannot be reached; trying again.').waitFor({ state: 'detached' });
    await status(page, /paused|error/i);
    await page.getByRole('textbox', { name: 'Message' }).fill('FINISH: after the restart');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await status(page, 'finished');
    await page.close();
  });

  await step(
    'a conversation that is deleted in another tab stays readable and cannot be changed',
    async () => {
      const id = await server.conversation('FINISH: soon gone');
      const page = await openPage({ at: `conversations/${id}` });
      expectProblems(page, /^404 /);
      await status(page, 'finished');
      await api('DELETE', `/api/conversations/${id}`);
      await page.getByText('The conversation is gone.').waitFor();
      assert.equal(await page.getByRole('textbox', { name: 'Message' }).count(), 0);
      assert.equal(await page.getByRole('button', { name: 'More actions' }).count(), 0);
      await axe(page);
      await screenshots(page, 'conversation-gone');
      await page.close();
    },
  );

  await step('an unknown id and a text that is no id are explained', async () => {
    const page = await openPage({ at: null });
    expectProblems(page, /^(404|422) GET/);
    await page.goto(`${server.url}/console/conversations/${NO_ID}`);
    await page.getByRole('heading', { name: 'There is no such conversation here' }).waitFor();
    await axe(page);
    await page.goto(`${server.url}/console/conversations/nonsense`);
    await page.getByRole('heading', { name: 'This is no id of a conversation' }).waitFor();
    await page.close();
  });

  await step('errors of the API are said in place, with what to do', async () => {
    const id = await server.conversation('FINISH: ready');
    const page = await openPage({ at: `conversations/${id}` });
    expectProblems(page, /^(503|507|422) POST/, /^404 GET \S+\/api\/init$/);
    await status(page, 'finished');
    const answers = [
      [507, 'No space left on device', 'No space left on device. Your message is kept.'],
      [503, 'The server is shutting down', 'The server is shutting down. Your message is kept.'],
      [
        422,
        [{ loc: ['body', 'content'], msg: 'is too long' }],
        'content: is too long. Your message is kept.',
      ],
    ];
    for (const [code, detail, text] of answers) {
      await page.route(`**/conversations/${id}/events*`, (asked) =>
        asked.fulfill({ status: code, json: { detail } }),
      );
      await send(page, `SAY: ${code}`);
      await page.getByRole('alert').filter({ hasText: text }).waitFor();
      assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), `SAY: ${code}`);
      await page.unrouteAll({ behavior: 'wait' });
    }
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByText('Your message is kept.').waitFor({ state: 'detached' });
    await page.close();
  });

  await step(
    'a message that found no room in the queue is stored, and its run is started later',
    async () => {
      const small = await startServer({ OH_MAX_CONCURRENT_RUNS: '1', OH_MAX_QUEUED_RUNS: '1' });
      const busy = await small.conversation('RUN: sleep 600');
      await small.reaches(busy, 'running');
      const waiting = await small.conversation();
      await small.api('POST', `/api/conversations/${waiting}/run?on_limit=wait`);
      const id = await small.conversation();
      const page = await openPage({ of: small, at: `conversations/${id}` });
      expectProblems(page, /^429 POST/);
      await send(page, 'FINISH: at last');
      await page.getByText('Your message is in the conversation.').waitFor();
      assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), '');
      await page.getByRole('button', { name: 'Start the run' }).click();
      await page.getByText('Your message is in the conversation.').waitFor();
      await small.api('POST', `/api/conversations/${busy}/interrupt`);
      await small.reaches(busy, 'paused');
      await page.getByRole('button', { name: 'Start the run' }).click();
      await status(page, 'finished');
      await page.close();
    },
  );

  await step('without a key the conversation waits for one', async () => {
    const locked = await startServer({ SESSION_API_KEY: 'sesame' });
    const id = await locked.conversation('FINISH: inside');
    const page = await openPage({ at: null });
    expectProblems(page, /^401 |socket failed|console error/);
    await page.goto(`${locked.url}/console/conversations/${id}`);
    await page.getByLabel('Key', { exact: true }).fill('sesame');
    await page.getByRole('button', { name: 'Use this key' }).click();
    await status(page, 'finished');
    await page.close();
  });
}

/** Passes connections on to a server, until it is cut. */
async function startProxy(target) {
  const sockets = new Set();
  let isCut = false;
  const proxy = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(Number(new URL(target).port), '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const { port } = proxy.address();
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    cut,
    mend: () => {
      isCut = false;
    },
    stop: async () => {
      cut();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
