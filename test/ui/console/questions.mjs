import assert from 'node:assert/strict';

const PRICES = { input_cost_per_token: 0.0001, output_cost_per_token: 0.0001 };

/** What somebody wants to know who has only the address: each answer is on the home view. */
export async function questions({ server, openPage, step, expectProblems, axe, screenshots }) {
  const start = async (title, script, more = {}) => {
    const id = await server.conversation(script, more);
    await server.api('PATCH', `/api/conversations/${id}`, { title });
    return id;
  };
  const llm = (prices) => ({
    agent: {
      llm: { model: 'scripted/test', usage_id: 'agent', ...prices },
      tools: [{ name: 'terminal' }],
    },
  });
  await start('Tidy up', 'FINISH: tidy', llm({}));
  const costly = await start('Write the report', 'RUN: echo 1\nRUN: echo 2\nFINISH: written', llm(PRICES));
  const cheap = await start('Fix a typo', 'FINISH: fixed', llm(PRICES));
  const failed = await start('Nightly tests', 'FAIL: 400 The prompt is too long for this model.');
  const asking = await start('Free disk space', 'RUN: rm -r /var/cache/old', {
    confirmation_policy: { kind: 'AlwaysConfirm' },
  });
  const busy = await start('Watch the build', 'RUN: sleep 600');
  for (const id of [costly, cheap]) await server.reaches(id, 'finished');
  await server.reaches(failed, 'error');
  await server.reaches(asking, 'waiting_for_confirmation');

  const page = await openPage({ at: null });
  const row = (title) => page.getByRole('row').filter({ has: page.getByRole('link', { name: title }) });
  await page.goto(server.url);
  await page.getByRole('grid', { name: 'Conversations' }).waitFor();

  await step('which agent waits for an approval? It stands first, with the command: no click', async () => {
    await row('Free disk space').getByText('Approval').waitFor();
    await row('Free disk space').getByText('rm -r /var/cache/old').waitFor();
    const first = page
      .getByRole('row')
      .filter({ has: page.getByRole('link') })
      .first();
    assert.equal(await first.getByRole('link').textContent(), 'Free disk space');
    await axe(page);
    await screenshots(page, 'home-questions');
  });

  await step('why did another fail? It says so: no click', async () => {
    await row('Nightly tests')
      .getByText(/The prompt is too long for this model/)
      .waitFor();
  });

  await step('which cost most today? Two choices', async () => {
    await page.getByRole('combobox', { name: 'Last change' }).selectOption({ label: 'Today' });
    await page.getByRole('combobox', { name: 'Order' }).selectOption({ label: 'Highest cost' });
    const all = page.getByRole('row').filter({ has: page.getByRole('link') });
    assert.equal(await all.first().getByRole('link').textContent(), 'Write the report');
    const cost = await all.first().textContent();
    assert.match(cost, /\$\d/);
    assert.match(page.url(), /sort=cost/);
    await page.goBack();
  });

  await step('stop a third: one click, and it can go on with another', async () => {
    await page.goto(`${server.url}/console/`);
    await row('Watch the build').getByRole('button', { name: 'Pause Watch the build' }).click();
    await server.reaches(busy, 'paused');
    await row('Watch the build').getByRole('button', { name: 'Resume Watch the build' }).waitFor();
    await row('Watch the build').getByText('paused').waitFor();
  });

  await step('refuse what waits with a reason, from the home view', async () => {
    await row('Free disk space').getByRole('button', { name: 'Refuse Free disk space' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('Only below /tmp.');
    await axe(page);
    await dialog.getByRole('button', { name: 'Refuse', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await row('Free disk space').getByText('Approval').waitFor({ state: 'detached' });
    const { items } = await server.api(
      'GET',
      `/api/conversations/${asking}/events/search?kind=UserRejectObservation`,
    );
    assert.match(JSON.stringify(items), /Only below \/tmp\./);
  });

  await step('an address of a conversation that does not exist says what to do', async () => {
    const lost = await openPage({ at: null });
    expectProblems(lost, /^404 GET/, /socket/, /WebSocket/);
    await lost.goto(`${server.url}/console/conversations/00000000-0000-4000-8000-000000000000`);
    await lost.getByText('There is no such conversation here').waitFor();
    await lost.close();
  });
}
