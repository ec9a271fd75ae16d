import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const PROMPT = 'RUN: echo hi\nFINISH: 3 items';

/**
 * The pages of the web UI about automations, on a server that has none: dashboard, detail with its activity,
 * export and import, switching off, edit, deletion, templates with their dialog, git sync, the cards of the
 * start page, and an automation that an agent makes in a chat.
 * @param api sends a request to the server and returns the answer
 * @param say sends a message in the chat that is open
 */
export async function automate(page, url, api, say, step) {
  await api('POST', '/api/profiles/scripted', { llm: { model: 'scripted/demo' } });
  const fields = { prompt: PROMPT, model: 'scripted' };
  const digest = await api('POST', '/api/automation/v1/preset/prompt', {
    ...{ ...fields, name: 'Morning digest' },
    trigger: { type: 'cron', schedule: '0 9 * * 1-5', timezone: 'Europe/Berlin' },
  });
  await api('POST', '/api/automation/v1/preset/prompt', {
    ...{ ...fields, name: 'Review pull requests' },
    trigger: { type: 'event', source: 'github', on: 'pull_request.*' },
  });
  const card = page.getByTestId(`automation-card-${digest.id}`);
  const menu = async (entry) => {
    await card.getByLabel('Automation actions').click();
    await page.getByTestId('context-menu-list-item').filter({ hasText: entry }).click();
  };
  let exported = '';

  await step('automate: the dashboard lists automations with their schedules in words', async () => {
    await page.goto(`${url}/automations`);
    await card.getByText('Every weekday at 09:00 (Europe/Berlin)').first().waitFor();
    await page.getByTestId('overview-tile-automations').getByText('2', { exact: true }).waitFor();
    await page.getByPlaceholder('Search automations...').fill('digest');
    await page.getByText('Review pull requests').first().waitFor({ state: 'detached' });
    await page.getByPlaceholder('Search automations...').fill('');
    await page.getByText('Review pull requests').first().waitFor();
  });

  await step('automate: a run is started from a card, and its outcome appears', async () => {
    await page.getByTestId(`automation-run-now-${digest.id}`).click();
    await card.getByText('3 items').waitFor();
  });

  await step('automate: an automation is exported as a file', async () => {
    const download = page.waitForEvent('download');
    await menu('Export');
    exported = await readFile(await (await download).path(), 'utf8');
    assert.equal(JSON.parse(exported).kind, 'automation');
  });

  await step('automate: the detail page shows runs with links, and exports them', async () => {
    await page.goto(`${url}/automations/${digest.id}`);
    const log = page.getByTestId('automation-activity-log');
    await log
      .getByRole('link', { name: /^View conversation/ })
      .first()
      .waitFor();
    const download = page.waitForEvent('download');
    await page.getByTestId('activity-log-export-json').click();
    assert.match(await readFile(await (await download).path(), 'utf8'), /COMPLETED/);
  });

  await step('automate: the prompt is edited', async () => {
    await page.getByLabel('Automation actions').click();
    await page.getByTestId('context-menu-list-item').filter({ hasText: 'Edit' }).click();
    await page.getByTestId('edit-automation-prompt').fill('FINISH: 4 items');
    await page.getByTestId('edit-automation-save').click();
    await page.getByTestId('automation-prompt-content').getByText('4 items').waitFor();
    assert.equal((await api('GET', `/api/automation/v1/${digest.id}`)).trigger.timezone, 'Europe/Berlin');
  });

  await step('automate: an automation is switched off and on', async () => {
    await page.goto(`${url}/automations`);
    await menu('Turn off');
    await page.getByTestId(`automation-run-now-${digest.id}`).and(page.locator(':disabled')).waitFor();
    assert.equal((await api('GET', `/api/automation/v1/${digest.id}`)).disabled_reason, 'manual');
    await menu('Turn on');
    await page.getByTestId(`automation-run-now-${digest.id}`).and(page.locator(':enabled')).waitFor();
  });

  await step('automate: an exported file is imported as one that is switched off', async () => {
    await page.getByTestId('automations-add-automation').click();
    await page.getByTestId('automations-import-automation').click();
    const file = { name: 'digest.json', mimeType: 'application/json', buffer: Buffer.from(exported) };
    const chooser = page.waitForEvent('filechooser');
    await page.getByTestId('import-automation-choose-file').click();
    await (await chooser).setFiles(file);
    await page.getByRole('button', { name: 'Import automation' }).click();
    await page.getByTestId('import-automation-modal').waitFor({ state: 'detached' });
    const { automations } = await api('GET', '/api/automation/v1');
    assert.equal(automations.length, 3);
    assert.equal(automations[0].enabled, false);
  });

  await step('automate: templates and git sync show their pages', async () => {
    await page.goto(`${url}/automations/templates`);
    await page.getByText('Upstream fork sync').first().waitFor();
    await page.goto(`${url}/automations`);
    await page.getByTestId('automations-git-sync').click();
    await page.getByText('Back to Automations').waitFor();
  });

  await step('automate: the start page has a card of each automation', async () => {
    await page.goto(`${url}/conversations`);
    await page.getByTestId(`running-automation-row-${digest.id}`).getByText('Successful').first().waitFor();
  });

  let slow = { id: '' };
  await step('automate: the dialog of a template shows what is wrong, and creates', async () => {
    await page.goto(`${url}/automations/templates`);
    await page.getByTestId('recommended-automation-plus-custom-automation').first().click();
    const goOn = page.getByTestId('setup-continue-button');
    await goOn.click();
    await page.getByTestId('setup-field-name').fill('Slow check');
    await page.getByTestId('setup-field-prompt').fill('WAIT: 300\nFINISH: late');
    await page.getByTestId('setup-field-schedule').fill('0 25 * * *');
    await goOn.click();
    await page.getByTestId('setup-field-schedule-error').getByText('Invalid value for hour: 25').waitFor();
    await page.getByTestId('setup-field-schedule').fill('15 10 * * *');
    await goOn.click();
    await page.getByTestId('setup-review').getByText('Slow check').waitFor();
    await goOn.click();
    await page.waitForURL(/\/automations\/[0-9a-f-]{36}$/);
    slow = await api('GET', `/api/automation/v1/${page.url().split('/').at(-1)}`);
    assert.equal(slow.trigger.schedule_human, 'Every day at 10:15 (UTC)');
  });

  await step('automate: a run is cancelled from the start page', async () => {
    await api('POST', `/api/automation/v1/${slow.id}/dispatch`);
    await page.goto(`${url}/conversations`);
    const row = page.getByTestId(`running-automation-row-${slow.id}`);
    await row.getByText('Running').first().waitFor();
    await page.getByTestId(`running-automation-menu-${slow.id}`).click();
    await page
      .getByText(/cancel/i)
      .first()
      .click();
    await row.getByText('Cancelled').first().waitFor();
    const { runs } = await api('GET', `/api/automation/v1/${slow.id}/runs`);
    assert.deepEqual(
      runs.map(({ status }) => status),
      ['CANCELLED'],
    );
  });

  await step('automate: an agent makes an automation in a chat, where no key is needed', async () => {
    await page.goto(`${url}/automations`);
    await page.getByTestId('automations-add-automation').click();
    await page.getByTestId('automations-add-automation-create').click();
    await page.getByTestId('automations-create-automation').click();
    await page.waitForURL(/\/conversations/);
    const draft = JSON.stringify({ name: 'By chat', prompt: 'FINISH: x', trigger: { type: 'manual' } });
    const route = `${url}/api/automation/v1/preset/prompt`;
    const command = `curl -s ${route} -H "Content-Type: application/json" -d '${draft}'`;
    await say(`RUN: ${command}\nFINISH: Made it.`);
    await page.getByTestId('agent-message').getByText('Made it.').waitFor();
    const { automations } = await api('GET', '/api/automation/v1');
    assert.equal(automations[0].name, 'By chat');
  });

  await step('automate: an automation is deleted', async () => {
    await page.goto(`${url}/automations`);
    await menu('Delete');
    await page
      .getByRole('button', { name: /^(Confirm )?Delete$/ })
      .last()
      .click();
    await card.waitFor({ state: 'detached' });
  });
}
