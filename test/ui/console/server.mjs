import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const CLOCK = fileURLToPath(new URL('../../support/mcp-stdio.mjs', import.meta.url));
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9/hook';
const SECRET = 'HIDDEN-in-a-header';
/** An unknown option, whose name stands in a warning of the start. */
const UNKNOWN = 'OH_MAX_CONCURENT_RUNS';

/** The view of the server: load, webhooks, MCP servers, configuration and warnings. */
export async function serverView({ openPage, startServer, step, axe, screenshots, until }) {
  const receiver = await Receiver.start();
  const webhooks = [
    { name: 'down', base_url: NOWHERE, flush_delay: 0.1, retry_delay: 3600, headers: { 'X-Token': SECRET } },
    { name: 'mine', webhook_url: receiver.url, event_buffer_size: 4, flush_delay: 0.1, retry_delay: 3600 },
  ];
  const server = await startServer({
    OH_WEBHOOKS: JSON.stringify(webhooks),
    OH_SECRET_KEY: 'HIDDEN-secret-key',
    OH_MAX_SOCKET_SUBSCRIBERS: '17',
    [UNKNOWN]: '3',
  });
  try {
    const page = await openPage({ of: server, at: 'server' });
    await load({ page, server, step, axe, screenshots, until });
    await backlog({ page, server, receiver, step, axe, screenshots, until });
    await mcpServers({ page, server, step, axe });
    await configuration({ page, server, step, axe, screenshots });
    await warnings({ page, server, step, axe, screenshots, until });
    await narrow({ page, server, step, axe });
  } finally {
    await receiver.stop();
  }
}

async function load({ page, server, step, axe, screenshots, until }) {
  const panel = (title) => page.getByRole('region', { name: title });
  const plot = (title) => panel(title).getByRole('img');

  await step('the load is plotted, and said in words', async () => {
    await plot('Active runs').waitFor();
    for (const title of ['Sockets', 'CPU', 'Memory', 'Event-loop delay', 'Log writes', 'Webhook backlog'])
      assert.match(
        await plot(title).getAttribute('aria-label'),
        new RegExp(`^${title}, in the last \\d+ min`),
      );
    const facts = await page.locator('.facts').first().innerText();
    assert.match(
      facts,
      /Server\s+\d+\.\d+\.\d+[\s\S]*API\s+1\.\d+\.\d+[\s\S]*Node\.js\s+\d+[\s\S]*Disk free\s+[\d.]+ [GM]B/,
    );
    assert.match(await panel('Active runs').innerText(), /active\s+0\s+waiting\s+0\s+limit\s+10/);
  });

  await step('a run is seen while it is active, and in the range when it is over', async () => {
    const id = await server.conversation('RUN: sleep 600\nFINISH: never');
    await server.reaches(id, 'running');
    await panel('Active runs').getByText('0 to 1').waitFor();
    await plot('Active runs')
      .and(page.getByLabel(/active: now 1, from 0 to 1/))
      .waitFor();
    await server.api('POST', `/api/conversations/${id}/interrupt`);
    await plot('Active runs')
      .and(page.getByLabel(/active: now 0, from 0 to 1/))
      .waitFor();
  });

  await step('the values at the pointer are shown in all plots', async () => {
    await until(async () => (await plot('Memory').locator('svg').count()) === 1, 'the plot');
    const { x, y, width, height } = await plot('Memory').boundingBox();
    await page.mouse.move(x + width - 3, y + height / 2);
    await panel('Memory')
      .getByText(/\d+:\d\d:\d\d/)
      .waitFor();
    await panel('CPU')
      .getByText(/\d+:\d\d:\d\d/)
      .waitFor();
    await page.mouse.move(5, 5);
  });

  await step('the history survives a reload of the page', async () => {
    await page.reload();
    await panel('Active runs').getByText('0 to 1').waitFor();
  });

  await step('the links lead to documents of this server', async () => {
    for (const link of await page.getByRole('list', { name: 'Documents' }).getByRole('link').all()) {
      const href = await link.getAttribute('href');
      assert.equal(new URL(href).origin, new URL(server.url).origin);
      assert.equal((await fetch(href)).status, 200, href);
    }
    await page.getByText('npm run ui').waitFor();
    await axe(page);
    await screenshots(page, 'server-overview');
  });
}

async function backlog({ page, server, receiver, step, axe, screenshots, until }) {
  const hook = (name) => page.getByRole('region', { name, exact: true });

  await step('a webhook that fails is counted in the tab, and shown with its backlog and error', async () => {
    await page.getByRole('link', { name: /^Webhooks 1/ }).click();
    await page.waitForURL(/\/server\/webhooks$/);
    await hook('down').getByText('failing').waitFor();
    await hook('down')
      .getByText(/Last error at .*: the connection was refused/)
      .waitFor();
    await hook('mine').getByText('up to date').waitFor();
    assert.doesNotMatch(await page.content(), new RegExp(SECRET));
  });

  await step('its lanes are listed by conversation, at an address', async () => {
    await hook('down').getByRole('button', { name: 'Lanes and errors' }).click();
    await hook('down')
      .getByRole('row', { name: /retrying .*\d changes? .*failed, next in/i })
      .waitFor();
    assert.match(page.url(), /\?webhook=[0-9a-f]{16}$/);
    await page.reload();
    await hook('down')
      .getByRole('row', { name: /retrying/i })
      .first()
      .waitFor();
    await axe(page);
    await screenshots(page, 'server-webhooks');
  });

  let id;
  await step('what waits is delivered at once when the receiver is back', async () => {
    receiver.status = 503;
    id = await server.conversation('RUN: echo one\nFINISH: ok');
    await server.reaches(id, 'finished');
    await hook('mine').getByText('failing').waitFor();
    await hook('mine')
      .getByText(/it answered 503/)
      .waitFor();
    receiver.status = 200;
    await hook('mine').getByRole('button', { name: 'Deliver now' }).click();
    await page.getByText(/events? of 1 conversation are attempted now/).waitFor();
    await hook('mine').getByText('up to date').waitFor();
  });

  await step('events are delivered again from one on', async () => {
    const events = await server.api('GET', `/api/conversations/${id}/events/search?limit=100`);
    const from = events.items[1].id;
    const last = events.items.at(-1).id;
    receiver.bodies.length = 0;
    await hook('mine').getByRole('button', { name: 'Deliver again…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Conversation').fill(id);
    await dialog.getByLabel('First event').fill(from);
    await dialog.getByRole('button', { name: 'Deliver again' }).click();
    await dialog.waitFor({ state: 'detached' });
    const received = () => receiver.bodies.flatMap((body) => JSON.parse(body)).map((event) => event.id);
    await until(() => received().includes(last), 'the last event');
    assert.ok(received().includes(from));
    assert.ok(!received().includes(events.items[0].id));
  });
}

async function mcpServers({ page, server, step, axe }) {
  await step('an MCP server of the settings is tried, and one that is away says why', async () => {
    await page.goto(`${server.url}/console/server/mcp`);
    await page.getByRole('heading', { name: 'No MCP server is configured' }).waitFor();
    const env = { SOME_TOKEN: 'HIDDEN-token' };
    await server.api('POST', '/api/settings/mcp/clock', {
      command: process.execPath,
      args: [CLOCK, `${server.folder}/mcp.log`],
      env,
    });
    await server.api('POST', '/api/settings/mcp/away', { url: 'http://127.0.0.1:9/mcp' });
    await page.reload();
    await page.getByRole('button', { name: 'Check clock' }).click();
    await page.getByText(/It answered and has \d+ tools?:/).waitFor();
    await page.getByRole('button', { name: 'Check away' }).click();
    const row = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'away' }) });
    await row.locator('.field-problem').waitFor();
    assert.doesNotMatch(await page.content(), /HIDDEN/);
    await axe(page);
  });
}

async function configuration({ page, server, step, axe, screenshots }) {
  const row = (name) => page.locator('.config-row').filter({ has: page.getByText(name, { exact: true }) });

  await step('each option is shown with its value and source, and no secret', async () => {
    await page.goto(`${server.url}/console/server/configuration`);
    const option = row('max_socket_subscribers');
    await option.getByText('variable OH_MAX_SOCKET_SUBSCRIBERS').waitFor();
    assert.match(await option.innerText(), /17[\s\S]*default 1000/);
    await row('secret_key').getByText('**********').waitFor();
    await row('webhooks[0].headers').getByText('{ "X-Token": "**********" }').waitFor();
    await page.getByRole('list', { name: 'Warnings about the configuration' }).getByText(UNKNOWN).waitFor();
    assert.doesNotMatch(await page.content(), /HIDDEN/);
    await axe(page);
    await screenshots(page, 'server-configuration');
  });

  await step('options are found by any word, and those that are set by one click', async () => {
    await page.getByLabel('Find an option').fill('no such option');
    await page.getByText('0 options').waitFor();
    await page.getByLabel('Find an option').fill('socket subscribers');
    await page.getByText('1 option', { exact: true }).waitFor();
    assert.match(page.url(), /\?find=socket\+subscribers$/);
    await page.getByLabel('Find an option').fill('');
    await page.getByLabel('Only what is set').check();
    await row('max_socket_subscribers').waitFor();
    assert.equal(await row('max_upload_bytes').count(), 0);
  });
}

async function warnings({ page, server, step, axe, screenshots, until }) {
  const lines = page.getByRole('list', { name: 'Warnings and errors, the newest first' });

  await step('warnings appear as they are logged, and can be held, found and copied', async () => {
    await page.goto(`${server.url}/console/server/log`);
    await lines.getByText(UNKNOWN).waitFor();
    await page.getByRole('button', { name: 'Hold' }).click();
    const before = await lines.getByRole('listitem').count();
    // The retries of both lanes are used up after a few attempts, which the log reports.
    const [{ id }] = await server.api('GET', '/api/webhooks');
    await until(async () => {
      await server.api('POST', `/api/webhooks/${id}/redeliver`);
      const { items } = await server.api('GET', '/api/server/log');
      return items.some(({ message }) => message.includes('not delivered after'));
    }, 'a warning');
    await page.getByRole('button', { name: /Go on \([1-9]\d* new\)/ }).waitFor();
    assert.equal(await lines.getByRole('listitem').count(), before);
    await page.getByRole('button', { name: /Go on/ }).click();
    await lines
      .getByText(/not delivered after \d+ attempts/)
      .first()
      .waitFor();
    await page.getByLabel('Find in the log').fill('not delivered');
    await page.getByText(UNKNOWN).waitFor({ state: 'detached' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText(/lines? copied/).waitFor();
    assert.match(
      await page.evaluate(() => navigator.clipboard.readText()),
      /warn \[Webhooks\] webhook .*not delivered/,
    );
    await axe(page);
    await screenshots(page, 'server-warnings');
  });

  await step('errors alone are an address', async () => {
    await page.getByLabel('Level').selectOption('Errors only');
    assert.match(page.url(), /level=error/);
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
  });
}

async function narrow({ page, server, step, axe }) {
  await step('every part fits 390 pixels, in both themes', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const part of ['', '/webhooks', '/mcp', '/configuration', '/log']) {
      await page.goto(`${server.url}/console/server${part}`);
      await page.locator('.page-body').waitFor();
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 390, `server${part} is ${width} pixels wide`);
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme });
        await axe(page);
      }
    }
  });
}

/** Takes deliveries. */
class Receiver {
  status = 200;
  bodies = [];
  #server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (this.status === 200) this.bodies.push(body);
      response.writeHead(this.status).end();
    });
  });

  static async start() {
    const receiver = new Receiver();
    await new Promise((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/hook`;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
