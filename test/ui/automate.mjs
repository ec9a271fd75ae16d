import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const PROMPT = 'RUN: echo hi\nFINISH: 3 items';

/**
 * The pages of the web UI about automations, on a server that has none: dashboard, detail with its activity,
 * export and import, switching off, edit, deletion, templates, git sync, and the cards of the start page.
 * @param api sends a request to the server and returns the answer
 */
export async function automate(page, url, api, step) {
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
