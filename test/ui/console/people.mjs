import assert from 'node:assert/strict';
import { startPrefixProxy } from '../support/prefix-proxy.mjs';

const KEY_NAME = 'agent-server-console.session-key';
const REFUSED = /^401 /;
const AWAY = [/net::ERR_/, /^socket failed/, /^console error: WebSocket connection/];

/** What all views share: keys, focus, the session key, lost connections, proxies, failures. */
export async function people(test) {
  await keyboard(test);
  await focusAndNames(test);
  await sessionKeys(test);
  await connections(test);
  await failures(test);
  await places(test);
}

async function keyboard({ openPage, server, step, axe, screenshots, until }) {
  const page = await openPage({ at: 'settings' });
  const dialog = page.getByRole('dialog');

  await step('sequences of keys open the views', async () => {
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'New conversation', level: 1 }).waitFor();
  });

  await step('keys write into a field and do nothing else', async () => {
    const message = page.getByLabel('What should the agent do?');
    await message.fill('');
    await message.pressSequentially('g s c ? j');
    assert.equal(await message.inputValue(), 'g s c ? j');
    assert.match(page.url(), /\/new$/);
    assert.equal(await dialog.count(), 0);
    await message.fill('');
  });

  await step('the palette finds commands by words, and gives the focus back', async () => {
    const message = page.getByLabel('What should the agent do?');
    await message.focus();
    await page.keyboard.press('Control+k');
    await dialog.getByRole('combobox').waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'palette');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await until(
      () => message.evaluate((field) => field === document.activeElement),
      'the focus in the message',
    );
    await page.keyboard.press('Control+k');
    await dialog.getByRole('combobox').fill('go server');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
  });

  await step('the palette remembers what was used last, and finds conversations', async () => {
    await page.keyboard.press('Control+k');
    const first = dialog.getByRole('option').first();
    assert.match(await first.innerText(), /^Server\s+Go to \(used last\)/);
    await dialog.getByRole('combobox').fill('ada greet');
    await dialog.getByText('Nothing is called like that.').waitFor();
    await page.keyboard.press('Escape');
    const id = await server.conversation();
    await server.api('PATCH', `/api/conversations/${id}`, { title: 'Greet <b>Ada</b>' });
    // What was found before is used for some seconds.
    await page.reload();
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await dialog.getByRole('combobox').fill('ada greet');
    await dialog.getByRole('option', { name: 'Greet <b>Ada</b>' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/conversations/${id}$`));
    await page.goBack();
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
  });

  await step('? lists the keys, and the page behind it hears none', async () => {
    await page.keyboard.press('?');
    await dialog.getByText('New conversation').first().waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'keys');
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    assert.equal(await dialog.count(), 1);
    assert.match(page.url(), /\/server$/);
  });

  await step('keys without Ctrl can be switched off', async () => {
    await dialog.getByLabel('Use keys without Ctrl').uncheck();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await page.keyboard.press('?');
    await page.keyboard.press('Control+k');
    await dialog.getByRole('combobox').waitFor();
    assert.match(page.url(), /\/server$/);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'List the keys' }).click();
    await dialog.getByLabel('Use keys without Ctrl').check();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'New conversation', level: 1 }).waitFor();
  });
  await page.context().close();
}

async function focusAndNames({ openPage, step, axe, screenshots, until }) {
  const page = await openPage({ at: 'server' });
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  const focusedHeading = () => page.evaluate(() => document.querySelector('h1:focus')?.textContent);

  await step('the skip link leads past the navigation, and stays in the view', async () => {
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'view');
    assert.match(page.url(), /\/server$/);
  });

  await step('after a navigation the heading has the focus, and the tab its title', async () => {
    await page.getByRole('link', { name: 'Settings' }).click();
    await until(async () => (await focusedHeading()) === 'Settings', 'the focus on the heading');
    assert.equal(await page.title(), 'Settings - Agent Server');
    await page.goBack();
    await until(async () => (await focusedHeading()) === 'Server', 'the focus on the heading');
  });

  await step('a view that puts the focus into a field is announced', async () => {
    await page.getByRole('link', { name: 'New conversation' }).first().click();
    await page.locator('[aria-live=polite]', { hasText: 'New conversation' }).waitFor({ state: 'attached' });
    await until(
      () => page.evaluate(() => document.activeElement?.id === 'message'),
      'the focus in the message',
    );
  });

  await step('the theme is chosen and kept, whatever the device says', async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole('button', { name: /^Theme: that of the device/ }).click();
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    await page.getByRole('button', { name: /^Theme: dark/ }).waitFor();
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    await page.getByRole('button', { name: /^Theme: dark/ }).waitFor();
    assert.equal(await background(), dark);
    await page.getByRole('button', { name: /^Theme: dark/ }).click();
    assert.equal(await background(), light);
  });

  await step('a narrow bar has names, room for fingers, and moves nothing sideways', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await axe(page);
    for (const control of await page.locator('.sidebar a, .sidebar button').filter({ visible: true }).all()) {
      const { width, height } = await control.boundingBox();
      const name = await control.evaluate((node) => node.ariaLabel ?? node.textContent);
      assert.ok(width >= 40 && height >= 40, `${name} is ${width} x ${height}`);
      assert.notEqual(name.trim(), '');
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await page.setViewportSize({ width: 1400, height: 900 });
  });

  await step('high contrast and less motion are respected', async () => {
    await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
    await axe(page);
    await screenshots(page, 'forced-colors');
    const current = page.getByRole('link', { name: 'New conversation' }).first();
    assert.match(await current.evaluate((link) => getComputedStyle(link).outlineStyle), /solid/);
  });
  await page.context().close();
}

async function sessionKeys({ openPage, startServer, step, axe, screenshots, expectProblems, until }) {
  const server = await startServer({ SESSION_API_KEY: 'first-key' });
  const page = await openPage({ of: server, at: 'new' });
  expectProblems(page, REFUSED, ...AWAY);
  const dialog = page.getByRole('dialog', { name: 'Session key' });
  const enter = async (key) => {
    await dialog.getByLabel('Key', { exact: true }).fill(key);
    await dialog.getByRole('button', { name: 'Use this key' }).click();
  };
  const message = page.getByLabel('What should the agent do?');

  await step('the key is asked for, and a wrong one is refused where it stands', async () => {
    await dialog.waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'key');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await dialog.waitFor();
    await enter('wrong-key');
    await dialog.getByText('The server refused the key').waitFor();
    await enter('kéy…');
    await dialog.getByText('The server refused the key').waitFor();
    assert.equal(await page.evaluate((name) => localStorage.getItem(name), KEY_NAME), null);
  });

  await step('with the right key the view goes on, and the next visit asks nothing', async () => {
    await enter('first-key');
    await dialog.waitFor({ state: 'detached' });
    // The profiles, which the view had asked for before there was a key.
    await until(
      async () => (await page.getByLabel('Model', { exact: true }).inputValue()) === 'scripted/demo',
      'the answer to the request that waited for the key',
    );
    await page.reload();
    await page.getByRole('button', { name: 'Run a command' }).waitFor();
    assert.equal(await dialog.count(), 0);
    assert.equal(await page.locator('body', { hasText: 'first-key' }).count(), 0);
    assert.ok(!page.url().includes('first-key'));
  });

  await step('a key that expires in the middle of the work loses nothing', async () => {
    await message.fill('FINISH: after the new key');
    await server.restart({ SESSION_API_KEY: 'second-key' });
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await dialog.waitFor();
    assert.equal(await message.inputValue(), 'FINISH: after the new key');
    await screenshots(page, 'key-expired');
    await enter('second-key');
    await page.waitForURL(/\/conversations\/[0-9a-f-]{36}$/);
    await server.reaches(page.url().split('/').at(-1), 'finished');
  });

  await step(
    'a key that is forgotten in one tab is asked for in the other, which takes it over',
    async () => {
      await page.goto(`${server.url}/console/new`);
      await page.getByRole('button', { name: 'Run a command' }).waitFor();
      const other = await page.context().newPage();
      await other.goto(`${server.url}/console/settings`);
      await other.getByRole('button', { name: 'Forget the session key' }).click();
      await dialog.waitFor();
      assert.equal(await page.evaluate((name) => localStorage.getItem(name), KEY_NAME), null);
      await enter('second-key');
      await dialog.waitFor({ state: 'detached' });
      await other.getByRole('button', { name: 'Forget the session key' }).waitFor();
      assert.equal(await other.getByRole('dialog').count(), 0);
      await other.close();
    },
  );
  await page.context().close();

  await step('a browser that stores nothing works, until the page is left', async () => {
    const strict = await openPage({ of: server, at: null });
    expectProblems(strict, REFUSED);
    await strict.addInitScript(() => {
      for (const name of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(globalThis, name, {
          get: () => {
            throw new DOMException('denied', 'SecurityError');
          },
        });
      }
    });
    await strict.goto(`${server.url}/console/new`);
    const asked = strict.getByRole('dialog', { name: 'Session key' });
    await asked.getByLabel('Key', { exact: true }).fill('second-key');
    await asked.getByRole('button', { name: 'Use this key' }).click();
    await strict.getByRole('button', { name: /^Theme/ }).click();
    await strict.getByRole('button', { name: 'Run a command' }).click();
    await strict.getByRole('button', { name: 'Start', exact: true }).click();
    await strict.waitForURL(/\/conversations\/[0-9a-f-]{36}$/);
    await strict.context().close();
  });
}

async function connections({ openPage, startServer, step, screenshots, expectProblems }) {
  const server = await startServer();
  const page = await openPage({ of: server, at: 'new' });
  expectProblems(page, ...AWAY);
  const message = page.getByLabel('What should the agent do?');
  const away = page.getByText('The server cannot be reached; trying again.');

  await step('a server that is away is waited for, and the view keeps its state', async () => {
    await page.getByRole('button', { name: 'Run a command' }).click();
    const text = await message.inputValue();
    await server.stop();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await away.waitFor();
    await page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
    await screenshots(page, 'away');
    assert.equal(await message.inputValue(), text);
    await server.start();
    await away.waitFor({ state: 'detached' });
    assert.equal(await page.getByText('started in another version').count(), 0);
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForURL(/\/conversations\/[0-9a-f-]{36}$/);
    await server.reaches(page.url().split('/').at(-1), 'finished');
  });

  await step('a device without network says so', async () => {
    await page.context().setOffline(true);
    await page.getByText('This device is offline.').waitFor();
    await page.context().setOffline(false);
    await page.getByText('This device is offline.').waitFor({ state: 'detached' });
  });

  await step('after an update of the server the page offers to reload', async () => {
    await page.goto(`${server.url}/console/server`);
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    await page.route(
      (url) => url.pathname === '/console/',
      async (route) => {
        const response = await route.fetch();
        const body = (await response.text()).replace(/assets\/console-[\w-]+\.js/, 'assets/console-newer.js');
        await route.fulfill({ response, body });
      },
    );
    await server.stop();
    await page.getByRole('link', { name: 'New conversation' }).first().click();
    await away.waitFor();
    await server.start();
    await page.getByText('The server was started in another version.').waitFor();
    await screenshots(page, 'newer-version');
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByText('The server was started in another version.').waitFor({ state: 'detached' });
  });
  await page.context().close();

  await step('a server that waits for its settings says so, and the page goes on by itself', async () => {
    const waiting = await startServer({ OH_DEFERRED_INIT: 'true', OH_SECRET_KEY: 'init-key' });
    const early = await openPage({ of: waiting, at: 'new' });
    expectProblems(early, /^503 /);
    await early.getByRole('heading', { name: 'The server waits for its settings' }).waitFor();
    await screenshots(early, 'waits-for-init');
    const answer = await fetch(`${waiting.url}/api/init`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-init-api-key': 'init-key' },
      body: '{}',
    });
    assert.equal(answer.status, 200);
    await early.getByRole('button', { name: 'Run a command' }).waitFor();
    await early.context().close();
  });
}

async function failures({ openPage, server, step, screenshots, expectProblems }) {
  await step('a view that fails says so; the others work', async () => {
    const page = await openPage({ at: null });
    await page.route(/\/assets\/server-view-/, (route) =>
      route.fulfill({
        contentType: 'text/javascript',
        body: 'export function ServerView() { throw new Error("planned failure"); }',
      }),
    );
    await page.goto(`${server.url}/console/server`);
    await page.getByRole('heading', { name: 'This view has failed' }).waitFor();
    await page.getByText('planned failure').first().waitFor();
    await screenshots(page, 'view-failed');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.context().close();
  });

  await step('a part that cannot be loaded offers a reload', async () => {
    const page = await openPage({ at: null });
    expectProblems(page, /^404 GET .*server-view/);
    await page.route(/\/assets\/server-view-/, (route) => route.fulfill({ status: 404, body: 'gone' }));
    await page.goto(`${server.url}/console/server`);
    await page.getByRole('alert').getByText('could not be loaded').waitFor();
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    await page.context().close();
  });
}

async function places({ openPage, server, step, expectProblems, until }) {
  await step('behind a path prefix of a proxy everything works, sockets too', async () => {
    const proxy = await startPrefixProxy(server.url, '/agents');
    try {
      const page = await openPage({ at: null });
      expectProblems(page, new RegExp(`^other origin: (http|ws)://${new URL(proxy.url).host}/agents/`));
      await page.goto(`${proxy.url}/`);
      await page.getByRole('navigation', { name: 'Console' }).waitFor();
      assert.equal(page.url(), `${proxy.url}/console/`);
      await page.keyboard.press('c');
      await page.getByRole('button', { name: 'Run a command' }).click();
      await page.getByRole('button', { name: 'Start', exact: true }).click();
      await page.waitForURL(/\/agents\/console\/conversations\/[0-9a-f-]{36}$/);
      const id = page.url().split('/').at(-1);
      await server.reaches(id, 'finished');
      await page.reload();
      await page.getByRole('navigation', { name: 'Console' }).waitFor();
      const frames = await page.evaluate(async (path) => {
        const url = new URL(`../sockets/events/${path}`, document.baseURI);
        url.protocol = 'ws:';
        const socket = new WebSocket(url);
        const first = new Promise((resolve, reject) => {
          socket.onmessage = () => resolve('a frame');
          socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
        });
        const outcome = await first;
        socket.onclose = null;
        socket.close();
        return outcome;
      }, id);
      assert.equal(frames, 'a frame');
      for (const view of ['server', 'settings', 'new', '']) {
        await page.goto(`${proxy.url}/console/${view}`);
        await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      }
      await until(() => page.evaluate(() => document.readyState === 'complete'), 'the page');
      await page.context().close();
    } finally {
      await proxy.stop();
    }
  });
}
