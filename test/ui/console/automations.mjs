import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

/** Makes, runs, changes and deletes an automation, and makes a webhook whose event starts another one. */
export async function automations({ startServer, openPage, step, axe, screenshots, expectProblems }) {
  const server = await startServer({ OH_SECRET_KEY: 'a secret key' });
  const api = (method, route, body) => server.api(method, route, body);
  await api('POST', '/api/profiles/demo', { llm: { model: 'scripted/demo' } });
  const page = await openPage({ of: server, at: 'automations' });
  const dialog = page.getByRole('dialog');
  const rows = page.getByRole('list', { name: 'Automations' }).getByRole('listitem');

  await step('an automation is made by keyboard, with words for its schedule', async () => {
    await page.getByRole('heading', { name: 'No automation yet' }).waitFor();
    await axe(page);
    await page.keyboard.press('n');
    await page.keyboard.type('Morning digest');
    await dialog.getByLabel('What should the agent do?').fill('RUN: echo hi\nFINISH: 3 items');
    await dialog.getByLabel('Schedule').fill('0 9 * * 1-5');
    await dialog.getByLabel('Time zone').fill('Europe/Berlin');
    await dialog.getByText('Every weekday at 09:00 (Europe/Berlin)').waitFor();
    await dialog.getByLabel('Model').selectOption('demo');
    await axe(page);
    await screenshots(page, 'automations-form');
    await dialog.getByLabel('Name').press('Enter');
    await page.getByRole('heading', { name: 'Morning digest' }).waitFor();
    await page.getByText('No run yet').waitFor();
  });

  await step('a wrong schedule is explained before and after it is sent', async () => {
    expectProblems(page, /^422 PATCH .*\/api\/automation\/v1\//);
    await page.keyboard.press('e');
    await dialog.getByLabel('Schedule').fill('0 25 * * *');
    await dialog.locator('.automations-preview .field-problem').waitFor();
    await dialog.getByRole('button', { name: 'Store' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Schedule').fill('0 8 * * *');
    await dialog.getByText('Every day at 08:00').waitFor();
    await dialog.getByRole('button', { name: 'Store' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Every day at 08:00').first().waitFor();
  });

  await step('a run that is started by hand is in the history, with its conversation', async () => {
    await page.getByRole('button', { name: 'Run now' }).click();
    const runs = page.getByRole('list', { name: 'Runs' });
    await runs.getByText('Completed').waitFor();
    await runs.getByText('3 items').waitFor();
    await axe(page);
    await screenshots(page, 'automations-detail');
    await runs.getByRole('link', { name: 'Conversation' }).click();
    await page.waitForURL(/conversations\//);
    await page.goBack();
  });

  await step('a webhook shows its secret once', async () => {
    await page.goto(`${server.url}/console/automations/webhooks`);
    await page.getByRole('button', { name: 'Make a webhook' }).click();
    await dialog.getByLabel('Source').fill('github');
    await axe(page);
    await screenshots(page, 'automations-webhook');
    await dialog.getByLabel('Source').press('Enter');
    await dialog.getByRole('heading', { name: 'Give this to the sender' }).waitFor();
    const [address, secret] = await dialog.locator('code').allTextContents();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByText('signed by GitHub').waitFor();
    assert.ok(!(await page.content()).includes(secret));
    await api('POST', '/api/automation/v1/preset/prompt', {
      name: 'Review pull requests',
      prompt: 'FINISH: Reviewed.',
      model: 'demo',
      trigger: { type: 'event', source: 'github', on: 'pull_request.*' },
    });
    const body = JSON.stringify({ action: 'opened' });
    const answer = await fetch(new URL(new URL(address).pathname, server.url), {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'X-GitHub-Event': 'pull_request',
        'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
    });
    assert.equal((await answer.json()).matched, 1);
    await screenshots(page, 'automations-webhooks');
  });

  await step('the list shows the next run, the last one, and what is switched off', async () => {
    await page.goto(`${server.url}/console/automations`);
    await rows.nth(1).waitFor();
    await rows.filter({ hasText: 'Review pull requests' }).getByText('Completed').waitFor();
    await rows.filter({ hasText: 'Morning digest' }).getByText('Next').waitFor();
    await page.getByRole('switch', { name: 'Review pull requests is switched on' }).click();
    await rows.filter({ hasText: 'Review pull requests' }).getByText('Switched off').waitFor();
    await axe(page);
    await screenshots(page, 'automations-list');
  });

  await step('a deletion is asked for, and removes the automation', async () => {
    await rows.getByRole('link', { name: 'Morning digest' }).click();
    await page.getByRole('heading', { name: 'Morning digest' }).waitFor();
    await page.keyboard.press('#');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await rows.first().waitFor();
    assert.equal(await rows.count(), 1);
  });
}
