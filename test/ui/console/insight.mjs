import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const COSTS = { input_cost_per_token: 3e-6, output_cost_per_token: 15e-6, max_input_tokens: 20_000 };
const message = (text) => ({ role: 'user', content: [{ type: 'text', text }], run: true });
const editor = (fields) => `TOOL: file_editor ${JSON.stringify(fields)}`;

/** The panels about what a conversation did: time, cost, context, branches and files. */
export async function insight(test) {
  const { id, workspace } = await conversationWithHistory(test);
  await waterfall(test, id);
  await costAndContext(test, id);
  await changes(test, id, workspace);
  await files(test, id, workspace);
  await tree(test, id, workspace);
  await branches(test, id);
  await empty(test, workspace);
}

/** A repository, an agent that changed it, a branch that was left, and a rejected command. */
async function conversationWithHistory({ api, until, folder }) {
  const workspace = path.join(folder, 'repository');
  await mkdir(workspace);
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args], { cwd: workspace });
  await writeFile(path.join(workspace, 'limits.txt'), 'one\ntwo\nthree\n');
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'first');
  const file = path.join(workspace, 'limits.txt');
  const { id } = await api('POST', '/api/conversations', {
    agent: {
      llm: { model: 'scripted/demo', usage_id: 'agent', ...COSTS },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }],
    },
    workspace: { working_dir: workspace },
    autotitle: false,
    initial_message: message(
      [
        'RUN: sleep 0.4',
        editor({ command: 'str_replace', path: file, old_str: 'two', new_str: '2 <b>bold</b>' }),
        'RUN: exit 3',
        'SAY: first way',
      ].join('\n'),
    ),
  });
  const route = `/api/conversations/${id}`;
  const reaches = (status) =>
    until(async () => (await api('GET', route)).execution_status === status, `the status ${status}`);
  await reaches('finished');
  const { items } = await api('GET', `${route}/events/search?kind=MessageEvent&limit=100`);
  await api('POST', `${route}/navigate`, { event_id: items[0].id });
  await api('POST', `${route}/confirmation_policy`, { policy: { kind: 'AlwaysConfirm' } });
  await api('POST', `${route}/events`, message('RUN: rm -rf build\nSAY: second way'));
  await reaches('waiting_for_confirmation');
  await api('POST', `${route}/events/respond_to_confirmation`, { accept: false, reason: 'no' });
  await api('POST', `${route}/confirmation_policy`, { policy: { kind: 'NeverConfirm' } });
  return { id, workspace };
}

async function waterfall({ openPage, step, axe, screenshots, api, until }, id) {
  const page = await openPage({ at: `conversations/${id}?panel=time` });
  const list = page.getByRole('listbox', { name: /Where the time went/ });
  const row = (name) => list.getByRole('option', { name });

  await step('the waterfall has a bar for each span, with what it was about', async () => {
    await row(/Step 1 Tools terminal sleep 0\.4/).waitFor();
    await row(/terminal exit 3 .*failed/).waitFor();
    await row(/Awaiting approval .*failed/).waitFor();
    await row(/Awaiting message.*in progress/).waitFor();
    const bar = row(/sleep 0\.4/).locator('.wf-bar');
    assert.ok((await bar.boundingBox()).width > 5, 'a bar has a width');
  });

  await step('the keyboard moves through the rows and shows details and events', async () => {
    await list.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.locator('.wf-detail code', { hasText: 'sleep 0.4' }).waitFor();
    await page.keyboard.press('Enter');
    await until(() => new URL(page.url()).searchParams.has('event'), 'the address of the event');
    await row(/sleep 0\.4/).waitFor();
  });

  await step('kinds can be hidden, and a part of the time chosen', async () => {
    const all = await list.getByRole('option').count();
    const tools = page.getByRole('button', { name: /^Tools/ });
    await tools.click();
    await row(/sleep 0\.4/).waitFor({ state: 'detached' });
    await tools.click();
    await row(/sleep 0\.4/).waitFor();
    await list.focus();
    for (let times = 0; times < 4; times += 1) await page.keyboard.press('+');
    await until(async () => (await list.getByRole('option').count()) < all, 'fewer rows');
    await page.getByRole('group', { name: 'Zoom' }).getByRole('button', { name: 'All' }).click();
    await until(async () => (await list.getByRole('option').count()) === all, 'all rows');
  });

  await step('the waterfall grows while the agent works, and has no barriers', async () => {
    await axe(page);
    await screenshots(page, 'insight-time');
    await api('POST', `/api/conversations/${id}/events`, message('RUN: echo live\nSAY: second way'));
    await row(/terminal echo live/).waitFor();
    await until(
      () => list.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 60),
      'the end of the list in view',
    );
  });
  await page.context().close();
}

async function costAndContext({ openPage, step, axe, screenshots }, id) {
  const page = await openPage({ at: `conversations/${id}?panel=cost` });

  await step('cost and tokens are plotted, and are in a table', async () => {
    await page.locator('.series-plot svg').first().waitFor();
    assert.equal(await page.locator('.series-plot').count(), 2);
    await page.getByText('Numbers of each step').click();
    await page.getByRole('button', { name: 'Show the event of step 1' }).waitFor();
    await axe(page);
    await screenshots(page, 'insight-cost');
  });

  await step('the tabs can be reached by arrow keys', async () => {
    await page.getByRole('tab', { name: 'Cost' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('meter', { name: 'Fill of the context window' }).waitFor();
    await page.getByText('The whole history is still in the context.').waitFor();
    await axe(page);
    await screenshots(page, 'insight-context');
  });
  await page.context().close();
}

/** Each step, with what it has changed, and the way back. What somebody has changed since is kept. */
async function changes({ openPage, step, axe, screenshots, expectProblems }, id, workspace) {
  const page = await openPage({ at: `conversations/${id}?panel=changes` });
  const dialog = page.getByRole('dialog');
  const file = path.join(workspace, 'limits.txt');
  const edited = await readFile(file, 'utf8');

  await step('a step shows what it has done to a file', async () => {
    await page.getByRole('button', { name: 'limits.txt', exact: true }).click();
    await dialog.locator('td.removed', { hasText: 'two' }).waitFor();
    await dialog.locator('td.added', { hasText: '2 <b>bold</b>' }).waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'insight-change');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await axe(page);
    await screenshots(page, 'insight-changes');
  });

  await step('one file is put back, and that is taken back again', async () => {
    await page.getByRole('button', { name: 'limits.txt', exact: true }).first().click();
    await dialog.getByRole('button', { name: 'Restore this file' }).click();
    await page.getByText('Restored 1 file.').waitFor();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await readFile(file, 'utf8'), 'one\ntwo\nthree\n');
    await page.locator('.change-step').first().getByRole('button', { name: 'Undo' }).click();
    await page.locator('.change-step').nth(2).waitFor();
    assert.equal(await readFile(file, 'utf8'), edited);
    await screenshots(page, 'insight-one-file');
  });

  await step('a file that somebody has changed since is not overwritten, unless wanted', async () => {
    expectProblems(page, /^409 POST \S+\/restore$/);
    await writeFile(file, 'by a person\n');
    await page.getByRole('button', { name: 'Restore to before' }).click();
    await dialog.getByText('was changed by somebody else since').waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'insight-conflict');
    assert.equal(await readFile(file, 'utf8'), 'by a person\n');
    // The pictures of a narrow page have made the panel anew.
    if (!(await dialog.isVisible())) await page.getByRole('button', { name: 'Restore to before' }).click();
    await dialog.getByRole('button', { name: 'Restore anyway' }).click();
    await page.locator('.change-step').nth(3).waitFor();
    assert.equal(await readFile(file, 'utf8'), 'one\ntwo\nthree\n');
  });

  await step('a restore is undone', async () => {
    await page.getByText('Restored by a person').first().waitFor();
    await page.locator('.change-step').first().getByRole('button', { name: 'Undo' }).click();
    await page.locator('.change-step').nth(4).waitFor();
    assert.equal(await readFile(file, 'utf8'), 'by a person\n');
    await screenshots(page, 'insight-restored');
  });
  // For what follows.
  await writeFile(file, edited);
  await page.context().close();
}

async function files({ openPage, step, axe, screenshots }, id, workspace) {
  const page = await openPage({ at: `conversations/${id}?panel=files` });
  const dialog = page.getByRole('dialog');

  await step('a changed file is compared side by side, as text', async () => {
    await page.getByRole('img', { name: 'changed' }).waitFor();
    await page.getByRole('button', { name: 'limits.txt', exact: true }).click();
    await dialog.locator('td.removed', { hasText: 'two' }).waitFor();
    await dialog.locator('td.added', { hasText: '2 <b>bold</b>' }).waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'insight-diff');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await axe(page);
    await screenshots(page, 'insight-files');
  });

  await step('a file can be downloaded', async () => {
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download limits.txt' }).click(),
    ]);
    assert.equal(saved.suggestedFilename(), 'limits.txt');
    const text = await readFile(await saved.path(), 'utf8');
    assert.equal(text, await readFile(path.join(workspace, 'limits.txt'), 'utf8'));
  });
  await page.context().close();
}

async function tree({ openPage, step, axe, screenshots }, id, workspace) {
  const page = await openPage({ at: `conversations/${id}?panel=workspace` });
  const panel = page.getByRole('tabpanel');
  await step('the tree shows files with their state in git, and follows changes', async () => {
    const row = panel.getByRole('listitem').filter({ hasText: 'limits.txt' });
    await row.getByRole('img', { name: 'modified' }).waitFor();
    await writeFile(path.join(workspace, 'new <b>.txt'), '');
    const added = panel.getByRole('listitem').filter({ hasText: 'new <b>.txt' });
    await added.getByRole('img', { name: 'untracked' }).waitFor();
    await axe(page);
    await screenshots(page, 'insight-tree');
  });
  await step('files are found by name and by content, and shown at the line', async () => {
    const query = page.getByRole('searchbox', { name: 'Find a file by name' });
    await query.fill('lmt');
    await panel.getByRole('button', { name: 'limits.txt' }).waitFor();
    await panel.getByRole('button', { name: 'In files' }).click();
    await page.getByRole('searchbox', { name: 'Search in files' }).fill('THREE');
    await panel.getByRole('button', { name: /3\s*three/ }).click();
    const dialog = page.getByRole('dialog', { name: 'limits.txt' });
    await dialog.getByText('2 <b>bold</b>').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
  });
  await rm(path.join(workspace, 'new <b>.txt'));
  await page.context().close();
}

async function branches({ openPage, step, axe, screenshots, api, until }, id) {
  const page = await openPage({ at: `conversations/${id}?panel=branches` });
  const tree = page.getByRole('tree', { name: 'Branches' });
  const item = (name) => tree.getByRole('treeitem', { name });
  const route = `/api/conversations/${id}`;

  await step('the branches are a tree for the keyboard', async () => {
    await item(/second way.*head/).waitFor();
    await item(/first way/).waitFor();
    await axe(page);
    await screenshots(page, 'insight-branches');
    await tree.locator('[tabindex="0"]').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    assert.equal(await tree.locator('[aria-selected="true"]').getAttribute('aria-level'), '1');
    await page.keyboard.press('End');
    assert.match(await tree.locator(':focus').innerText(), /first way/);
  });

  await step('the conversation goes on from another branch', async () => {
    await page.getByRole('button', { name: 'Go on here' }).click();
    await item(/first way.*head/).waitFor();
    const { nodes } = await api('GET', `${route}/branches`);
    assert.equal(nodes.find(({ is_head }) => is_head).label, 'first way');
  });

  await step('a branch becomes a conversation of its own', async () => {
    await page.getByRole('button', { name: 'Fork' }).click();
    const shown = () => new URL(page.url()).pathname.split('/').at(-1);
    await until(() => shown() !== id, 'the new conversation');
    const made = await api('GET', `/api/conversations/${shown()}`);
    assert.equal(made.forked_from_conversation_id, id);
  });
  await page.context().close();
}

async function empty({ openPage, step, api }, workspace) {
  const { id } = await api('POST', '/api/conversations', {
    agent: { llm: { model: 'scripted/demo', usage_id: 'agent' }, tools: [] },
    workspace: { working_dir: path.join(workspace, 'elsewhere') },
  });
  const page = await openPage({ at: `conversations/${id}?panel=time`, width: 390, height: 844 });
  await step('panels without data say what will be there, on a phone, too', async () => {
    await page.getByText('Nothing has happened yet').waitFor();
    for (const [tab, text] of [
      ['Cost', 'No model has answered yet'],
      ['Context', 'The agent has not asked its model yet'],
      ['Branches', 'One branch so far.'],
      ['Files', 'No files yet'],
    ]) {
      await page.getByRole('tab', { name: tab }).click();
      await page.getByText(text).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, tab);
    }
  });
  await page.context().close();
}
