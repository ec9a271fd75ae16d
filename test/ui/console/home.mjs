import assert from 'node:assert/strict';

/** A person reads for so long (ms) what is about to be approved. */
const PATIENCE_MS = 60_000;

/**
 * The view "Conversations": what waits, what runs, and all others.
 * @param {object} the page in its browser, the server, and `step(title, action)`
 */
export async function home({ page, server, step }) {
  const api = apiOf(server);
  const rowOf = (title) => page.locator('.row', { hasText: title });
  const away = () => page.mouse.move(2, 2);
  page.setDefaultTimeout(PATIENCE_MS);

  await step('a new server offers an example, which waits for an approval at once', async () => {
    await page.goto(`${server.url}/console/`);
    await page.getByRole('button', { name: 'Start an example' }).click();
    await page.getByRole('button', { name: /^Approve / }).waitFor();
    assert.match(await page.locator('.row .detail').innerText(), /^terminal: echo "Hello from the agent"$/);
    await page.waitForFunction(() => document.title.startsWith('(1) '));
    await away();
  });

  await step('an approval in the row lets the agent go on, and a refusal takes a reason', async () => {
    await page.getByRole('button', { name: /^Approve / }).click();
    await page.locator('.row .detail', { hasText: 'sleep 20' }).waitFor();
    await away();
    await page.getByRole('button', { name: /^Refuse / }).click();
    await page.getByLabel('Reason for the agent (optional)').fill('not today');
    await page.getByRole('dialog').getByRole('button', { name: 'Refuse' }).click();
    await away();
    await page.getByText('waits for your next message').waitFor();
    const [id] = await api.ids();
    const { items } = await api.get(
      `/api/conversations/${id}/events/search?kind=UserRejectObservation&limit=5`,
    );
    assert.equal(items[0].rejection_reason, 'not today');
    await page.locator('.row.rest').waitFor();
  });

  await step('what waits is first, with its reason, and what runs says what it does', async () => {
    await api.create('Ask', 'SAY: Which database should I use?');
    await api.create('Fail', 'FAIL: 400 the model is out of order');
    await api.create('Limit', 'RUN: echo 1\nRUN: echo 2\nFINISH: x', { max_iterations: 1 });
    await api.create('Decide', 'RUN: rm -rf build\nFINISH: x', CONFIRM);
    await api.create('Work', 'RUN: sleep 600\nFINISH: x', { tags: { team: 'web' } });
    await rowOf('Decide').getByText('terminal: rm -rf build').waitFor();
    await rowOf('Ask').getByText('Which database should I use?').waitFor();
    await rowOf('Fail').getByText('the model is out of order').waitFor();
    await rowOf('Limit').getByText('MaxIterationsReached').waitFor();
    await rowOf('Work').getByText('step 1').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.row.waiting').length === 4);
    const titles = await page.locator('.row .title').allInnerTexts();
    assert.deepEqual(titles.slice(0, 5), ['Decide', 'Ask', 'Limit', 'Fail', 'Work']);
  });

  await step('an action that cannot be read in whole is opened, not approved', async () => {
    await api.create('Long', `RUN: echo ${'x'.repeat(1000)}`, CONFIRM);
    await page.getByRole('button', { name: 'Review Long' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Approve Long' }).count(), 0);
    await page.getByRole('button', { name: 'Review Long' }).click();
    await page.waitForURL(/\/console\/conversations\/[0-9a-f-]{36}$/);
    await page.goBack();
    await rowOf('Long').waitFor();
  });

  await step('nothing moves below the pointer; updates are counted and shown on demand', async () => {
    await rowOf('Work').hover();
    const before = await page.locator('.row .title').allInnerTexts();
    await api.create('Newcomer', 'SAY: Shall I?');
    await page.getByRole('button', { name: '1 update' }).waitFor();
    assert.deepEqual(await page.locator('.row .title').allInnerTexts(), before);
    await page.keyboard.press('u');
    await rowOf('Newcomer').waitFor();
    await rowOf('Work').hover();
    await api.create('Another', 'SAY: Shall I?');
    await page.getByRole('button', { name: '1 update' }).waitFor();
    await away();
    await rowOf('Another').waitFor();
  });

  await step('filters are the address: they can be kept, and cleared', async () => {
    await page.getByRole('combobox', { name: 'Status' }).selectOption('running');
    await page.waitForURL(/\?status=running$/);
    assert.deepEqual(await page.locator('.row .title').allInnerTexts(), ['Work']);
    await page.getByRole('combobox', { name: 'Tag' }).selectOption('team:web');
    await page.reload();
    await rowOf('Work').waitFor();
    assert.equal(await page.locator('.row').count(), 1);
    await page.keyboard.press('/');
    await page.keyboard.type('nothing like this');
    await page.getByText('No conversation matches').waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await rowOf('Decide').waitFor();
    assert.equal(new URL(page.url()).search, '');
  });

  await step('everything can be done with keys', async () => {
    await page.getByRole('grid').focus();
    const current = () => page.locator('.row.current .title').innerText();
    await page.keyboard.press('Home');
    const first = await current();
    await page.keyboard.press('j');
    assert.notEqual(await current(), first);
    await page.keyboard.press('k');
    assert.equal(await current(), first);
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+J');
    await page.getByText('3 conversations marked').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('marked').waitFor({ state: 'detached' });
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    for (let n = 0; n < 20 && (await current()) !== 'Decide'; n += 1) await page.keyboard.press('j');
    await page.keyboard.press('r');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('a');
    await api.reaches('Decide', 'finished');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/console\/conversations\//);
    await page.goBack();
    await rowOf('Work').waitFor();
    await away();
  });

  await step('what was seen can be set aside until something new happens', async () => {
    const fail = rowOf('Fail');
    await fail.hover();
    await page.getByRole('button', { name: 'Set Fail aside' }).click();
    await away();
    await page.locator('.row.rest', { hasText: 'Fail' }).waitFor();
    await page.reload();
    await page.locator('.row.rest', { hasText: 'Fail' }).waitFor();
    await api.send('Fail', 'SAY: And now?');
    await page.locator('.row.waiting', { hasText: 'Fail' }).getByText('And now?').waitFor();
  });

  await step('many can be paused and resumed at once, by mouse and shift', async () => {
    await api.create('Work 2', 'RUN: sleep 600\nFINISH: x');
    await page.locator('.row.running', { hasText: 'Work 2' }).waitFor();
    await page.getByRole('checkbox', { name: 'Select Work 2' }).click();
    await page.getByRole('checkbox', { name: 'Select Work', exact: true }).click({ modifiers: ['Shift'] });
    await page.getByText('2 conversations marked').waitFor();
    await page.getByRole('button', { name: 'Pause 2' }).click();
    await page.getByText('2 conversations paused').waitFor();
    await page.getByRole('button', { name: 'Mark none' }).click();
    await away();
  });

  await step('a deletion can be taken back, and is carried out when the page is left', async () => {
    const before = (await api.ids()).length;
    await page.getByRole('checkbox', { name: 'Select Long' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await away();
    await rowOf('Long').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await rowOf('Long').waitFor();
    assert.equal((await api.ids()).length, before);
    await page.getByRole('checkbox', { name: 'Select Long' }).click();
    await page.keyboard.press('#');
    await rowOf('Long').waitFor({ state: 'detached' });
    await page.goto('about:blank');
    await until(async () => (await api.ids()).length === before - 1, 'the deletion');
    await page.goto(`${server.url}/console/`);
    await rowOf('Work').first().waitFor();
    assert.equal(await rowOf('Long').count(), 0);
  });

  await step('titles and reasons with markup and hidden characters are only text', async () => {
    const title = '<img src=x onerror=alert(1)>\u202e';
    await api.create(title, 'SAY: <script>alert(1)</script>?');
    await page.locator('.row', { hasText: '<img src=x onerror=alert(1)>⟨202E⟩' }).waitFor();
    await page.getByText('<script>alert(1)</script>?').waitFor();
    assert.equal(await page.locator('.row img, .row script').count(), 0);
  });

  await step('rows become cards on a narrow screen, without scrolling sideways', async () => {
    const size = page.viewportSize();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
    const box = await page.locator('.row.waiting').first().boundingBox();
    assert.ok(box !== null && box.height > 100 && box.width <= 390);
    await page.setViewportSize(size);
  });
}

const CONFIRM = { confirmation_policy: { kind: 'AlwaysConfirm' } };

/** What the test does beside the page, as another client. */
function apiOf(server) {
  const send = async (method, path, body) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(server.key !== undefined && { 'x-session-api-key': server.key }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const content = await answer.json();
    if (!answer.ok)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(content)}`);
    return content;
  };
  const message = (text) => ({ role: 'user', content: [{ type: 'text', text }] });
  const byTitle = new Map();
  return {
    get: (path) => send('GET', path),
    async ids() {
      return (await send('GET', '/api/conversations/summaries?limit=1000')).items.map(({ id }) => id);
    },
    async create(title, script, more = {}) {
      const { id } = await send('POST', '/api/conversations', {
        agent: { llm: { model: 'scripted/demo', usage_id: 'agent' }, tools: [{ name: 'terminal' }] },
        workspace: { working_dir: 'workspace/project' },
        autotitle: false,
        ...more,
      });
      byTitle.set(title, id);
      // The title first: the row is known by it.
      await send('PATCH', `/api/conversations/${id}`, { title });
      await send('POST', `/api/conversations/${id}/events`, { ...message(script), run: true });
    },
    send: (title, text) =>
      send('POST', `/api/conversations/${byTitle.get(title)}/events`, { ...message(text), run: true }),
    reaches: (title, ...statuses) =>
      until(
        async () =>
          statuses.includes((await send('GET', `/api/conversations/${byTitle.get(title)}`)).execution_status),
        `${title}: ${statuses.join(' or ')}`,
      ),
  };
}

async function until(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} was not seen within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
