import assert from 'node:assert/strict';
import { appendFile, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

const KEY = 'HIDDEN-key-of-the-administrator';

/** Opens a share link as somebody without a key, until it is revoked. */
export async function shareLinks({ openPage, startServer, step, axe, screenshots, expectProblems }) {
  const server = await startServer({ SESSION_API_KEY: KEY, OH_SECRET_KEY: 'HIDDEN-secret-key' });
  const ask = async (method, route, body) => {
    const response = await fetch(server.url + route, {
      method,
      headers: { 'x-session-api-key': KEY, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return response.json();
  };
  const say = (text) => ({ role: 'user', content: [{ type: 'text', text }] });
  const { id } = await ask('POST', '/api/conversations', {
    agent: { llm: { model: 'scripted/demo', usage_id: 'agent' }, tools: [] },
    workspace: { working_dir: server.folder },
    autotitle: false,
    initial_message: say('SAY: Good morning.'),
  });
  const link = await ask('POST', `/api/conversations/${id}/shares`, { expires_in: 3600 });
  const page = await openPage({ of: server, at: link.path.replace('/console/', '') });

  await step('shows a shared conversation without a key, over the whole width', async () => {
    await page.getByText('Good morning.', { exact: true }).first().waitFor();
    const { width } = await page.locator('main').boundingBox();
    assert.ok(width > 700, `the page has ${width} pixels`);
    assert.equal(await page.getByText(/System prompt|stats changed/).count(), 0);
    assert.equal(await page.getByRole('dialog').count(), 0);
    await axe(page);
    await screenshots(page, 'shared');
  });

  await step('follows it beyond a line of the log that is no event for it', async () => {
    await server.stop();
    const found = await readdir(server.folder, { recursive: true });
    const log = path.join(
      server.folder,
      found.find((name) => name.endsWith('events.jsonl')),
    );
    const [first = ''] = (await readFile(log, 'utf8')).split('\n');
    await appendFile(log, `${JSON.stringify({ ...JSON.parse(first), id: 'odd', kind: 7 })}\n`);
    expectProblems(page, /WebSocket|socket|ERR_CONNECTION_REFUSED/);
    await server.start();
    const another = await openPage({ of: server, at: link.path.replace('/console/', '') });
    await another.getByText('Good morning.', { exact: true }).first().waitFor();
    await ask('POST', `/api/conversations/${id}/events`, { ...say('SAY: Good day.'), run: true });
    for (const each of [page, another]) await each.getByText('Good day.', { exact: true }).first().waitFor();
    await another.close();
  });

  await step('follows it, and says when the link has ended', async () => {
    await ask('POST', `/api/conversations/${id}/events`, { ...say('SAY: Good evening.'), run: true });
    await page.getByText('Good evening.', { exact: true }).first().waitFor();
    expectProblems(page, /401|403|WebSocket|socket/);
    await ask('DELETE', `/api/conversations/${id}/shares/${link.id}`);
    await page.getByText('This link is not valid').waitFor();
    await axe(page);
  });
  await page.close();
}
