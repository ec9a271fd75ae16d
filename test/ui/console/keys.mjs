import assert from 'node:assert/strict';

const ADMIN = 'HIDDEN-key-of-the-administrator';

/** Makes and revokes keys, looks at what they did, and at the pages of one that may only look. */
export async function keysAndAudit({ openPage, startServer, step, axe, screenshots, until, expectProblems }) {
  const server = await startServer({ SESSION_API_KEY: ADMIN });
  const ask = async (method, route, key, body) => {
    const response = await fetch(server.url + route, {
      method,
      headers: { 'x-session-api-key': key, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  };
  const page = await openPage({ of: server, at: 'settings/keys', key: ADMIN });
  let made = '';

  await step('says what a named key is for', async () => {
    await page.getByRole('heading', { name: 'No named key yet' }).waitFor();
    await axe(page);
  });

  await step('makes a key with a scope, an end and limits, and shows it once', async () => {
    await page.getByRole('button', { name: 'Make a key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('dashboard');
    await dialog.getByLabel('look', { exact: true }).check();
    await dialog.getByText('Limits').click();
    await dialog.getByLabel('US dollars a day').fill('many');
    await axe(page);
    await screenshots(page, 'keys-new');
    expectProblems(page, /422/);
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    await dialog.locator('[aria-invalid="true"]').waitFor();
    await dialog.getByLabel('US dollars a day').fill('2.5');
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    const once = page.getByRole('dialog', { name: 'The key dashboard' });
    made = await once.locator('code').first().innerText();
    assert.match(made, /^ohk_[0-9a-f]{16}_/);
    await once.getByText(`${server.url}/mcp`).waitFor();
    await axe(page);
    await screenshots(page, 'keys-once');
    await once.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { name: 'dashboard' }).waitFor();
    assert.ok(!(await page.content()).includes(made), 'the key is still in the page');
    await page.getByText('$2.5 a day').waitFor();
  });

  await step('lists what was done and refused, and follows filters in the address', async () => {
    assert.equal((await ask('GET', '/api/conversations/count', made)).status, 200);
    assert.equal((await ask('PUT', '/api/settings/secrets', made, {})).status, 403);
    for (let request = 0; request < 5; request += 1) await ask('GET', '/api/settings', 'wrong');
    for (let number = 0; number < 60; number += 1)
      await ask('PUT', '/api/settings/secrets', ADMIN, { name: `SECRET_${number}`, value: 'x' });
    await page.getByRole('link', { name: 'what it did' }).click();
    const table = page.getByRole('region', { name: 'Audit log' });
    await table.getByRole('row').nth(1).waitFor();
    assert.match(await table.innerText(), /Refused/);
    await page.goto(`${server.url}/console/server/audit`);
    await table.getByText('Keys: create').or(table.getByText('Secrets')).first().waitFor();
    await until(async () => (await table.getByRole('row').count()) === 51, 'a page of entries');
    await page.getByRole('button', { name: 'Show older ones' }).click();
    await until(async () => (await table.getByRole('row').count()) > 51, 'the next page');
    await axe(page);
    await screenshots(page, 'audit');
    await page.getByLabel('Outcome').selectOption('refused');
    await table.getByText('no valid key').first().waitFor();
    assert.match(page.url(), /outcome=refused/);
  });

  await step('gives a key that may only look a page without what it may not do', async () => {
    const { body } = await ask('POST', '/api/conversations', ADMIN, {
      agent: { llm: { model: 'scripted/demo', usage_id: 'agent' }, tools: [] },
      workspace: { working_dir: server.folder },
      initial_message: { role: 'user', content: [{ type: 'text', text: 'SAY: Good morning.' }] },
    });
    const viewer = await openPage({ of: server, at: `conversations/${body.id}`, key: made });
    await viewer.getByText('Your key may look').waitFor();
    await viewer.getByText('Good morning.', { exact: true }).first().waitFor();
    const navigation = viewer.getByRole('navigation', { name: 'Console' });
    assert.equal(await navigation.getByRole('link', { name: 'Settings' }).count(), 0);
    assert.equal(await navigation.getByRole('link', { name: 'New conversation' }).count(), 0);
    assert.equal(await viewer.getByRole('button', { name: 'Run', exact: true }).count(), 0);
    for (const name of ['Edit the title', 'Switch the model', '+ tag', 'Add a tag'])
      assert.equal(await viewer.getByRole('button', { name }).count(), 0, name);
    await viewer.getByRole('button', { name: 'More actions' }).click();
    await viewer.getByRole('menuitem', { name: 'Download the trajectory' }).waitFor();
    for (const name of ['Delete the conversation', 'Fork from the end'])
      assert.equal(await viewer.getByRole('menuitem', { name }).count(), 0, name);
    await viewer.keyboard.press('Escape');
    await axe(viewer);
    await screenshots(viewer, 'keys-viewer');
    await viewer.goto(`${server.url}/console`);
    await viewer.getByRole('checkbox').first().check();
    const bar = viewer.getByRole('toolbar', { name: 'Marked conversations' });
    await bar.waitFor();
    assert.equal(await bar.getByRole('button', { name: 'Delete' }).count(), 0);
    await viewer.goto(`${server.url}/console/settings`);
    await viewer.getByRole('heading', { name: 'Your key may not change settings' }).waitFor();
    await viewer.context().close();
  });

  await step('revokes a key after asking', async () => {
    await page.goto(`${server.url}/console/settings/keys`);
    await page.getByRole('button', { name: 'Revoke dashboard' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('heading', { name: 'No named key yet' }).waitFor();
    await until(
      async () => (await ask('GET', '/api/conversations/count', made)).status === 401,
      'the end of the key',
    );
  });
}
