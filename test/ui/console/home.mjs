import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

/** The view "Conversations": what waits, what runs, and all others. */
export async function home({ api, axe, openPage, screenshots, server, step, until }) {
  const page = await openPage();
  const client = new Client(api, until);
  const rowOf = (title) => page.locator('.home-row', { hasText: title });
  const titles = () => page.locator('.home-row .home-title').allInnerTexts();
  const lists = (...wanted) =>
    until(
      async () => isDeepStrictEqual((await titles()).slice(0, wanted.length), wanted),
      `${wanted.join()}`,
    );
  const away = () => page.mouse.move(2, 2);

  await step('a new server offers an example, which waits for an approval at once', async () => {
    await page.getByText('No conversations yet').waitFor();
    await axe(page);
    await screenshots(page, 'home-empty');
    await page.getByRole('button', { name: 'Start an example' }).click();
    await page.getByRole('button', { name: /^Approve / }).waitFor();
    assert.match(
      await page.locator('.home-row .home-detail').innerText(),
      /^terminal: echo "Hello from the agent"$/,
    );
    await page.waitForFunction(() => document.title.startsWith('(1) '));
    await away();
  });

  await step('an approval in the row lets the agent go on, and a refusal takes a reason', async () => {
    await page.getByRole('button', { name: /^Approve / }).click();
    await page.locator('.home-row .home-detail', { hasText: 'sleep 20' }).waitFor();
    await away();
    await page.getByRole('button', { name: /^Refuse / }).click();
    await page.getByLabel('Reason for the agent (optional)').fill('not today');
    await page.getByRole('dialog').getByRole('button', { name: 'Refuse' }).click();
    await away();
    await page.getByText('waits for your next message').waitFor();
    const [id] = await client.ids();
    const { items } = await api(
      'GET',
      `/api/conversations/${id}/events/search?kind=UserRejectObservation&limit=5`,
    );
    assert.equal(items[0].rejection_reason, 'not today');
    await page.locator('.home-row.rest').waitFor();
  });

  await step('what waits is first, with its reason, and what runs says what it does', async () => {
    await client.create('Ask', 'SAY: Which database should I use?');
    await client.create('Fail', 'FAIL: 400 the model is out of order');
    await client.create('Limit', 'RUN: echo 1\nRUN: echo 2\nFINISH: x', { max_iterations: 1 });
    await client.create('Decide', 'RUN: rm -rf build\nFINISH: x', CONFIRM);
    await client.create('Work', 'RUN: sleep 600\nFINISH: x', { tags: { team: 'web' } });
    await rowOf('Decide').getByText('terminal: rm -rf build').waitFor();
    await rowOf('Ask').getByText('Which database should I use?').waitFor();
    await rowOf('Fail').getByText('the model is out of order').waitFor();
    await rowOf('Limit').getByText('The run has reached its maximum of steps.').waitFor();
    await rowOf('Work').getByText('step 1').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.home-row.waiting').length === 4);
    await lists('Decide', 'Ask', 'Limit', 'Fail', 'Work');
    await axe(page);
    await screenshots(page, 'home');
  });

  await step('an action that cannot be read in whole is opened, not approved', async () => {
    await client.create('Long', `RUN: echo ${'x'.repeat(1000)}`, CONFIRM);
    await page.getByRole('button', { name: 'Review Long' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Approve Long' }).count(), 0);
    await page.getByRole('button', { name: 'Review Long' }).click();
    await page.waitForURL(/\/console\/conversations\/[0-9a-f-]{36}$/);
    await page.goBack();
    await rowOf('Long').waitFor();
  });

  await step('nothing moves below the pointer; updates are counted and shown on demand', async () => {
    await rowOf('Work').hover();
    const before = await titles();
    await client.create('Newcomer', 'SAY: Shall I?');
    await page.getByRole('button', { name: '1 update' }).waitFor();
    assert.deepEqual(await titles(), before);
    await page.keyboard.press('u');
    await rowOf('Newcomer').waitFor();
    await rowOf('Work').hover();
    await client.create('Another', 'SAY: Shall I?');
    await page.getByRole('button', { name: '1 update' }).waitFor();
    await away();
    await rowOf('Another').waitFor();
  });

  await step('filters are the address: they can be kept, and cleared', async () => {
    await page.getByRole('combobox', { name: 'Status' }).selectOption('running');
    await page.waitForURL(/\?status=running$/);
    await until(async () => (await titles()).length === 1, 'one row');
    await lists('Work');
    await page.getByRole('combobox', { name: 'Tag' }).selectOption('team:web');
    await page.reload();
    await rowOf('Work').waitFor();
    await until(async () => (await titles()).length === 1, 'one row');
    await page.keyboard.press('/');
    await page.keyboard.type('nothing like this');
    await page.getByText('No conversation matches').waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await rowOf('Decide').waitFor();
    assert.equal(new URL(page.url()).search, '');
  });

  await step('everything can be done with keys', async () => {
    await page.getByRole('grid').focus();
    const current = () => page.locator('.home-row.current .home-title').innerText();
    const reaches = (title) => until(async () => (await current()) === title, `the cursor at ${title}`);
    const [first, second] = await titles();
    await page.keyboard.press('Home');
    await reaches(first);
    await page.keyboard.press('j');
    await reaches(second);
    await page.keyboard.press('k');
    await reaches(first);
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+J');
    await page.getByText('3 conversations marked').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('marked').waitFor({ state: 'detached' });
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    const all = await titles();
    for (const title of all.slice(0, all.indexOf('Decide') + 1)) {
      await reaches(title);
      if (title !== 'Decide') await page.keyboard.press('j');
    }
    await page.keyboard.press('r');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('a');
    await client.reaches('Decide', 'finished');
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
    await page.locator('.home-row.rest', { hasText: 'Fail' }).waitFor();
    await page.reload();
    await page.locator('.home-row.rest', { hasText: 'Fail' }).waitFor();
    await client.send('Fail', 'SAY: And now?');
    await page.locator('.home-row.waiting', { hasText: 'Fail' }).getByText('And now?').waitFor();
  });

  await step('many can be paused and resumed at once, by mouse and shift', async () => {
    await client.create('Work 2', 'RUN: sleep 600\nFINISH: x');
    await page.locator('.home-row.running', { hasText: 'Work 2' }).waitFor();
    await page.getByRole('checkbox', { name: 'Select Work 2' }).click();
    await page.getByRole('checkbox', { name: 'Select Work', exact: true }).click({ modifiers: ['Shift'] });
    await page.getByText('2 conversations marked').waitFor();
    await page.getByRole('button', { name: 'Pause 2' }).click();
    await page.getByText('2 conversations paused').waitFor();
    await page.getByRole('button', { name: 'Mark none' }).click();
    await away();
  });

  await step('a deletion can be taken back, and is carried out when the page is left', async () => {
    const before = (await client.ids()).length;
    await page.getByRole('checkbox', { name: 'Select Long' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await away();
    await rowOf('Long').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await rowOf('Long').waitFor();
    assert.equal((await client.ids()).length, before);
    await page.getByRole('checkbox', { name: 'Select Long' }).click();
    await page.getByRole('grid').focus();
    await page.keyboard.press('#');
    await rowOf('Long').waitFor({ state: 'detached' });
    await page.goto('about:blank');
    await until(async () => (await client.ids()).length === before - 1, 'the deletion');
    await page.goto(`${server.url}/console/`);
    await rowOf('Work').first().waitFor();
    assert.equal(await rowOf('Long').count(), 0);
  });

  await step('titles and reasons with markup and hidden characters are only text', async () => {
    const title = '<img src=x onerror=alert(1)>\u202e';
    await client.create(title, 'SAY: <script>alert(1)</script>?');
    await page.locator('.home-row', { hasText: '<img src=x onerror=alert(1)>⟨202E⟩' }).waitFor();
    await page.getByText('<script>alert(1)</script>?').waitFor();
    assert.equal(await page.locator('.home-row img, .home-row script').count(), 0);
  });

  await step('rows become cards on a narrow screen, without scrolling sideways', async () => {
    const size = page.viewportSize();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
    const box = await page.locator('.home-row.waiting').first().boundingBox();
    assert.ok(box !== null && box.height > 100 && box.width <= 390);
    await page.setViewportSize(size);
  });
}

const CONFIRM = { confirmation_policy: { kind: 'AlwaysConfirm' } };

/** What the test does beside the page, as another client. */
class Client {
  #api;
  #until;
  #byTitle = new Map();

  constructor(api, until) {
    this.#api = api;
    this.#until = until;
  }

  async ids() {
    const { items } = await this.#api('GET', '/api/conversations/summaries?limit=1000');
    return items.map(({ id }) => id);
  }

  /** Creates a conversation with a title, by which its row is known, and starts it. */
  async create(title, script, more = {}) {
    const { id } = await this.#api('POST', '/api/conversations', {
      agent: { llm: { model: 'scripted/demo', usage_id: 'agent' }, tools: [{ name: 'terminal' }] },
      workspace: { working_dir: 'workspace/project' },
      autotitle: false,
      ...more,
    });
    this.#byTitle.set(title, id);
    await this.#api('PATCH', `/api/conversations/${id}`, { title });
    await this.send(title, script);
  }

  send(title, text) {
    const message = { role: 'user', content: [{ type: 'text', text }], run: true };
    return this.#api('POST', `/api/conversations/${this.#byTitle.get(title)}/events`, message);
  }

  async reaches(title, status) {
    const route = `/api/conversations/${this.#byTitle.get(title)}`;
    await this.#until(
      async () => (await this.#api('GET', route)).execution_status === status,
      `${title}: ${status}`,
    );
  }
}
