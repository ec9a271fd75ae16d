import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The view in which people start conversations. */
export async function newConversation({
  openPage,
  server,
  step,
  api,
  expectProblems,
  axe,
  screenshots,
  until,
}) {
  let page;
  const message = () => page.getByLabel('What should the agent do?');
  const start = () => page.getByRole('button', { name: 'Start', exact: true });
  const opened = async () => {
    await page.waitForURL(/\/console\/conversations\/[0-9a-f-]{36}$/);
    return page.url().split('/').at(-1);
  };

  await step('three clicks on a fresh server start a conversation', async () => {
    page = await openPage();
    await page.getByRole('link', { name: 'New conversation' }).first().click();
    await page.getByRole('button', { name: 'Run a command' }).click();
    assert.equal(await page.getByLabel('Model', { exact: true }).inputValue(), 'scripted/demo');
    await start().click();
    const id = await opened();
    await server.reaches(id, 'finished');
    const { agent, workspace } = await api('GET', `/api/conversations/${id}`);
    assert.deepEqual(
      agent.tools.map(({ name }) => name),
      ['terminal'],
    );
    assert.equal(agent.condenser, null);
    assert.equal(workspace.working_dir, 'workspace/project');
  });

  await step('each example does what its card says', async () => {
    const ends = {
      'Edit a file': 'finished',
      'Plan the work': 'finished',
      'Ask for approval': 'waiting_for_confirmation',
      'Work for a minute': 'running',
      'Fail on purpose': 'error',
    };
    for (const [title, status] of Object.entries(ends)) {
      await page.goto(`${server.url}/console/new`);
      await page.getByRole('button', { name: title }).click();
      await page.keyboard.press('Control+Enter');
      const id = await opened();
      await server.reaches(id, status);
      const { items } = await api('GET', `/api/conversations/${id}/events/search?limit=100`);
      const errors = items.filter((event) => event.observation?.is_error);
      // `cat` of a missing file is an error of the command, not of the tool.
      assert.deepEqual(errors, [], `${title}: ${JSON.stringify(errors)}`);
      if (status === 'running') await api('POST', `/api/conversations/${id}/interrupt`);
    }
    const program = path.join(server.folder, 'workspace/project/hello.sh');
    assert.match(await readFile(program, 'utf8'), /name=\$\{1:-everybody\}/);
  });

  await step('the next visit remembers the choices, but no message and no key', async () => {
    await page.goto(`${server.url}/console/new`);
    await page.getByLabel('Folder', { exact: true }).fill(path.join(server.folder, 'remembered'));
    await page.getByLabel('Model', { exact: true }).fill('openai/some-model');
    await page.getByLabel('API key').fill('sk-not-to-be-kept');
    await page.getByLabel('Ask before risky actions').check();
    await page.locator('summary', { hasText: 'Limits' }).click();
    await page.getByLabel('Budget of a run').fill('1.50');
    await page.getByRole('button', { name: 'Create without a message' }).click();
    const id = await opened();
    assert.deepEqual(
      await api('GET', `/api/conversations/${id}`).then((info) => [
        info.execution_status,
        info.max_budget_per_run,
        info.confirmation_policy.kind,
        info.security_analyzer.kind,
        info.agent.llm.model,
        info.agent.tools.map(({ name }) => name),
      ]),
      [
        'idle',
        1.5,
        'ConfirmRisky',
        'EnsembleSecurityAnalyzer',
        'openai/some-model',
        ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set'],
      ],
    );
    await page.goto(`${server.url}/console/new`);
    await page.getByLabel('API key').waitFor();
    assert.equal(await page.getByLabel('API key').inputValue(), '');
    assert.equal(await message().inputValue(), '');
    assert.equal(await page.getByLabel('Model', { exact: true }).inputValue(), 'openai/some-model');
    assert.equal(await page.getByLabel('Ask before risky actions').isChecked(), true);
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!kept.includes('sk-not-to-be-kept'), kept);
  });

  await step('a stored profile is offered, and its key stays on the server', async () => {
    await api('POST', '/api/profiles/mine', { llm: { model: 'scripted/mine', api_key: 'sk-of-mine' } });
    await page.reload();
    const model = page.getByLabel('Model', { exact: true });
    await model.fill('min');
    await page.getByRole('option', { name: /^mine/ }).click();
    assert.equal(await model.inputValue(), 'mine');
    assert.equal(await page.getByLabel('API key').count(), 0);
    await page.getByLabel('Never ask').check();
    await message().fill('FINISH: done');
    await page.locator('summary', { hasText: 'Title and tags' }).click();
    await page.getByLabel('Title', { exact: true }).fill('With a profile');
    await page.getByLabel('Tags', { exact: true }).fill('team=docs, ticket=12');
    const [request] = await Promise.all([
      page.waitForRequest(
        (it) => it.method() === 'POST' && new URL(it.url()).pathname.endsWith('/api/conversations'),
      ),
      start().click(),
    ]);
    const id = await opened();
    assert.equal(request.headers()['idempotency-key'], id);
    await server.reaches(id, 'finished');
    const { agent, tags, title } = await api('GET', `/api/conversations/${id}`);
    assert.deepEqual(
      [agent.llm.model, tags, title],
      ['scripted/mine', { team: 'docs', ticket: '12' }, 'With a profile'],
    );
  });

  await step('an agent profile decides about model and tools, and is remembered', async () => {
    await api('POST', '/api/agent-profiles/helper', { agent_kind: 'openhands', llm_profile_ref: 'mine' });
    await page.goto(`${server.url}/console/new`);
    const agent = page.getByLabel('Agent', { exact: true });
    await agent.waitFor();
    // The default profile of a fresh server names a model that does not exist.
    assert.deepEqual(await agent.locator('option').allInnerTexts(), ['Built-in agent', 'helper (mine)']);
    await agent.selectOption('helper (mine)');
    assert.equal(await page.getByLabel('Model', { exact: true }).count(), 0);
    await message().fill('FINISH: helped');
    await start().click();
    const id = await opened();
    await server.reaches(id, 'finished');
    const { launched_agent_profile: launched } = await api('GET', `/api/conversations/${id}`);
    assert.match(launched.agent_profile_id, /^[0-9a-f-]{36}$/);
    await page.goto(`${server.url}/console/new`);
    await page.getByText('The profile decides about model, tools and skills.').waitFor();
  });

  await step('models are found by words, with what they cost', async () => {
    await page.goto(`${server.url}/console/new?model=scripted/demo`);
    const model = page.getByLabel('Model', { exact: true });
    await model.fill('sonnet anthropic 4-5');
    const option = page.getByRole('option', { name: /anthropic\/claude-sonnet-4-5/ }).first();
    await option.waitFor();
    assert.match(await option.innerText(), /200k context, \$3 in, \$15 out per million tokens/);
    await model.press('ArrowDown');
    await model.press('Enter');
    assert.match(await model.inputValue(), /sonnet-4-5/);
    await model.press('Escape');
  });

  await step('folders are completed as they are typed, and created where they are missing', async () => {
    // The page learns from it that a folder is missing.
    expectProblems(page, /^404 GET .*\/api\/file\/search_subdirs/);
    const folder = page.getByLabel('Folder', { exact: true });
    await folder.fill(`${server.folder}/work`);
    await page.getByRole('option', { name: 'workspace' }).waitFor();
    await folder.press('ArrowDown');
    await folder.press('Enter');
    assert.equal(await folder.inputValue(), `${server.folder}/workspace/`);
    await page.getByRole('option', { name: 'project' }).click();
    assert.equal(await folder.inputValue(), `${server.folder}/workspace/project/`);
    await folder.press('Escape');
    await folder.fill(`${server.folder}/new/one`);
    await folder.press('Escape');
    await page.getByText('This folder does not exist yet. It is created at the start.').waitFor();
  });

  await step('an error stands at its field, which gets the focus', async () => {
    expectProblems(page, /^422 POST .*\/api\/conversations\?/);
    await page.goto(`${server.url}/console/new?model=scripted/demo&message=FINISH:%20x&budget=0&tags=Up=1`);
    await page.getByLabel('Folder', { exact: true }).fill('/proc/none/such');
    await page.keyboard.press('Escape');
    await start().click();
    const tags = page.getByLabel('Tags', { exact: true });
    await page.getByText("Tag key 'Up' is invalid").waitFor();
    assert.equal(await tags.getAttribute('aria-invalid'), 'true');
    const budget = page.getByLabel('Budget of a run');
    assert.equal(await budget.getAttribute('aria-invalid'), 'true');
    await until(
      () => budget.evaluate((field) => field === document.activeElement),
      'the focus in the budget',
    );
    await axe(page);
    await budget.fill('2');
    await tags.fill('up=1');
    await start().click();
    const folder = page.getByLabel('Folder', { exact: true });
    await page.getByText('working_dir cannot be used').waitFor();
    await until(
      () => folder.evaluate((field) => field === document.activeElement),
      'the focus in the folder',
    );
    assert.equal(await message().inputValue(), 'FINISH: x');
    await screenshots(page, 'new-error');
    await folder.fill(path.join(server.folder, 'right'));
    await folder.press('Escape');
    await start().click();
    await server.reaches(await opened(), 'finished');
  });

  await step('what the form itself sees wrong is not sent', async () => {
    await page.goto(`${server.url}/console/new?model=scripted/demo&max_iterations=many&tags=x`);
    await page.getByLabel('Folder', { exact: true }).fill('');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Create without a message' }).click();
    await page.getByText('Choose the folder in which the agent works.').waitFor();
    await page.getByText('Write a whole number.').waitFor();
    await page.getByText('"x" has no value. Write name=value.').waitFor();
  });

  await step('an attached image goes with the message', async () => {
    await page.goto(`${server.url}/console/new?model=scripted/demo&folder=workspace/project`);
    await message().fill('FINISH: seen');
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Add images' }).click();
    await (
      await chooser
    ).setFiles([
      { name: 'dot.png', mimeType: 'image/png', buffer: png },
      { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<script>') },
    ]);
    await page.getByText('page.html: Only PNG, JPEG, GIF and WebP images').waitFor();
    await page.getByRole('img', { name: 'dot.png' }).waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    const id = await opened();
    await server.reaches(id, 'finished');
    const { items } = await api('GET', `/api/conversations/${id}/events/search?limit=100`);
    const sent = items.find(({ kind, source }) => kind === 'MessageEvent' && source === 'user');
    assert.equal(
      sent.llm_message.content[1].image_urls[0],
      `data:image/png;base64,${png.toString('base64')}`,
    );
  });

  await step('the form loses nothing while another view is looked at', async () => {
    await page.goto(`${server.url}/console/new?model=scripted/demo`);
    await message().fill('THINK: half written');
    await page.getByRole('link', { name: 'Server', exact: true }).click();
    await page.waitForURL(/\/server$/);
    await page.goBack();
    await message().waitFor();
    assert.equal(await message().inputValue(), 'THINK: half written');
    await page.reload();
    assert.equal(await message().inputValue(), 'THINK: half written');
    await message().fill('');
  });

  await step('the form is usable with little room, in both themes, without barriers', async () => {
    await page.goto(`${server.url}/console/new?model=scripted/demo`);
    await page.getByRole('button', { name: 'Run a command' }).waitFor();
    for (const summary of await page.locator('summary').all()) await summary.click();
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await axe(page);
    }
    await screenshots(page, 'new');
    await page.setViewportSize({ width: 390, height: 844 });
    await axe(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `the page is ${width} pixels wide`);
  });
}
