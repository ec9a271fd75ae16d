import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TcpProxy } from '../support/tcp-proxy.mjs';

/** What a lost connection causes in the browser. */
const LOST = [/^request failed/, /socket failed/, /WebSocket connection/, /^50[23] /];

/** A dropped socket and a restarted server in the middle: nothing is missed, and nothing is shown twice. */
export async function lostConnections({ server, openPage, step, expectProblems, screenshots, until }) {
  const proxy = await TcpProxy.to(server.url);
  const folder = path.join(server.folder, 'gated');
  await mkdir(folder, { recursive: true });
  const go = (name) => writeFile(path.join(folder, name), '');
  const gate = (name) => `RUN: until [ -e ${name} ]; do sleep 0.1; done; echo passed ${name}`;
  const id = await server.conversation(
    ['one', 'two', 'three', 'never'].map(gate).join('\n') + '\nFINISH: All gates are passed.',
    { workspace: { working_dir: folder } },
  );
  await server.api('PATCH', `/api/conversations/${id}`, { title: 'Gates' });
  const home = await openPage({ of: proxy });
  const conversation = await openPage({ of: proxy, at: `conversations/${id}` });
  for (const page of [home, conversation]) expectProblems(page, ...LOST);
  const feed = conversation.getByRole('feed', { name: 'Events' });
  const stepIs = (n) => home.getByRole('row').getByText(`step ${n}`, { exact: true }).waitFor();
  const passed = (name) => feed.getByText(`passed ${name}`, { exact: true });

  try {
    await step('both views follow the agent', async () => {
      await stepIs(1);
      await go('one');
      await stepIs(2);
      await passed('one').waitFor();
    });

    await step('both say that the connection is lost', async () => {
      proxy.cut();
      await home
        .getByText(/Reconnecting|cannot be reached/)
        .first()
        .waitFor();
      await conversation
        .getByText(/connection is lost|cannot be reached/)
        .first()
        .waitFor();
      await screenshots(conversation, 'conversation-connection-lost');
    });

    await step('what happened meanwhile is there once it is back, once and in order', async () => {
      await go('two');
      await go('three');
      await until(
        async () => (await countOf(server, id, 'ObservationEvent')) === 3,
        'the agent to go on without anybody who watches',
      );
      proxy.mend();
      await stepIs(4);
      for (const name of ['two', 'three']) await passed(name).waitFor();
      const seen = await feed.getByText(/^passed \w+$/).allTextContents();
      assert.deepEqual(seen, ['passed one', 'passed two', 'passed three']);
      for (const page of [home, conversation])
        await page
          .getByText(/connection is lost|Reconnecting|cannot be reached/)
          .first()
          .waitFor({ state: 'hidden' });
    });

    await step(
      'a restart of the server pauses the run, which both views show, and one click resumes it',
      async () => {
        await server.restart();
        await home.getByRole('row').getByText('paused').waitFor();
        await conversation.getByRole('button', { name: 'Resume' }).click();
        await feed.getByText('All gates are passed.', { exact: true }).waitFor();
        await home.getByRole('row').getByText('finished').waitFor();
      },
    );
  } finally {
    await proxy.stop();
  }
}

async function countOf(server, id, kind) {
  return server.api('GET', `/api/conversations/${id}/events/count?kind=${kind}`);
}
