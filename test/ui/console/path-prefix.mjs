import assert from 'node:assert/strict';
import { startPrefixProxy } from '../support/prefix-proxy.mjs';

/** Behind a reverse proxy that serves the server below a path, with a session key. */
export async function pathPrefix({ startServer, openPage, step, expectProblems }) {
  const server = await startServer({ SESSION_API_KEY: 'key-of-mine' });
  const proxy = await startPrefixProxy(server.url, '/tools/agents');
  const page = await openPage({ of: proxy, at: null });
  // Before it knows the key.
  expectProblems(page, /^401 GET/);
  const paths = [];
  page.on('request', (request) => paths.push(new URL(request.url()).pathname));
  page.on('websocket', (socket) => paths.push(new URL(socket.url()).pathname));
  try {
    await step('the address of the server leads to the console, which asks for the key', async () => {
      await page.goto(`${proxy.url}/`);
      assert.equal(page.url(), `${proxy.url}/console/`);
      await page.getByRole('textbox', { name: 'Key' }).fill('key-of-mine');
      await page.getByRole('button', { name: 'Use this key' }).click();
      await page.getByText('No conversations yet').waitFor();
    });

    await step('a conversation is followed live, from the home view to its end', async () => {
      const id = await server.conversation('RUN: echo below a prefix\nFINISH: done');
      await page.getByRole('row').getByRole('link').click();
      assert.equal(page.url(), `${proxy.url}/console/conversations/${id}`);
      await page.getByRole('feed').getByText('below a prefix', { exact: true }).waitFor();
      await page.getByRole('textbox', { name: 'Message' }).fill('FINISH: and once more');
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.getByRole('feed').getByText('and once more', { exact: true }).waitFor();
    });

    await step('every view can be reloaded, and nothing leaves the prefix', async () => {
      for (const at of ['new', 'server', 'settings', '']) {
        await page.goto(`${proxy.url}/console/${at}`);
        await page.reload();
        await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      }
      assert.deepEqual(
        paths.filter((one) => !one.startsWith('/tools/agents/')),
        [],
      );
    });
  } finally {
    await page.close();
    await proxy.stop();
  }
}
