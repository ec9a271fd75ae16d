import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

const CLOCK = fileURLToPath(new URL('../../support/mcp-stdio.mjs', import.meta.url));
const HIDDEN = /HIDDEN/;

/** The view of the settings: models, secrets and MCP servers. */
export async function settingsView({ openPage, startServer, step, axe, screenshots, expectProblems }) {
  const server = await startServer({ OH_SECRET_KEY: 'HIDDEN-secret-key' });
  const page = await openPage({ of: server, at: 'settings' });
  const given = { page, server, step, axe, screenshots, expectProblems };
  await models(given);
  await secrets(given);
  await mcpServers(given);
  await narrow(given);
}

async function models({ page, server, step, axe, screenshots, expectProblems }) {
  const row = (name) => rowOf(page, name);
  const dialog = page.getByRole('dialog');

  await step('a model is added by keyboard, after a check', async () => {
    await page.getByRole('heading', { name: 'No model yet' }).waitFor();
    await axe(page);
    await page.getByRole('button', { name: 'Add a model' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('scripted/demo');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Add a model' }).click();
    await dialog.getByLabel('Model').fill('scripted/demo');
    await dialog.getByRole('button', { name: 'Check' }).click();
    await dialog.getByText('The model answered.').waitFor();
    await axe(page);
    await dialog.getByLabel('Model').press('Enter');
    await row('demo').getByText('needs no key').waitFor();
  });

  await step('the answer of a failed check stands at its field', async () => {
    await page.getByRole('button', { name: 'Add a model' }).click();
    await dialog.getByLabel('Model').fill('openai/gpt-5.6');
    await dialog.getByLabel('Key').fill('HIDDEN-key');
    await dialog.getByLabel('Base URL').fill('http://127.0.0.1:9/v1');
    await dialog.getByRole('button', { name: 'Check' }).click();
    await problemOf(dialog, 'Base URL');
    await screenshots(page, 'settings-model');
  });

  await step('errors of the API stand at their fields, and keep what was typed', async () => {
    expectProblems(page, /^422 POST .*\/api\/profiles\//);
    await dialog.getByText('More options').click();
    await dialog.getByLabel('Temperature').fill('warm');
    await dialog.getByLabel('Retries').fill('-1');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await problemOf(dialog, 'Temperature');
    await problemOf(dialog, 'Retries');
    await axe(page);
    await dialog.getByLabel('Name').fill('demo');
    await dialog.getByLabel('Temperature').fill('');
    await dialog.getByLabel('Retries').fill('1');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await problemOf(dialog, 'Name');
    await dialog.getByLabel('Name').fill('away');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await row('away').getByText('with a key').waitFor();
  });

  await step('a changed model keeps its key and its other options', async () => {
    await server.api('POST', '/api/profiles/kept', {
      llm: {
        model: 'openai/gpt-5.6',
        api_key: 'HIDDEN-kept',
        aws_secret_access_key: 'HIDDEN-aws',
        extra_headers: { 'X-A': 'HIDDEN-header' },
        seed: 7,
      },
    });
    await page.reload();
    await page.getByRole('button', { name: 'Edit kept' }).click();
    await dialog.getByText('A key is stored. Leave this empty to keep it.').waitFor();
    assert.equal(await dialog.getByLabel('Key').inputValue(), '');
    await dialog.getByLabel('Base URL').fill('https://llm.example.com/v1');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await row('kept').getByText('openai/gpt-5.6 at https://llm.example.com/v1').waitFor();
    const response = await fetch(`${server.url}/api/profiles/kept`, {
      headers: { 'X-Expose-Secrets': 'plaintext' },
    });
    const { config } = await response.json();
    assert.deepEqual(
      [
        config.api_key,
        config.aws_secret_access_key,
        config.aws_session_token,
        config.extra_headers,
        config.seed,
        config.base_url,
      ],
      ['HIDDEN-kept', 'HIDDEN-aws', null, { 'X-A': 'HIDDEN-header' }, 7, 'https://llm.example.com/v1'],
    );
    assert.doesNotMatch(await page.content(), HIDDEN);
  });

  await step('a model is activated, checked in the list, and deleted after a question', async () => {
    await row('demo').getByRole('button', { name: 'Activate' }).click();
    await row('demo').getByText('Active', { exact: true }).waitFor();
    assert.equal((await server.api('GET', '/api/settings')).active_profile, 'demo');
    await row('demo').getByRole('button', { name: 'Check' }).click();
    await row('demo').getByText('The model answered.').waitFor();
    await row('away').getByRole('button', { name: 'Check' }).click();
    await row('away').locator('.field-problem').waitFor();
    await axe(page);
    await screenshots(page, 'settings-models');
    await page.getByRole('button', { name: 'Delete away' }).click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await row('away').waitFor();
    await page.getByRole('button', { name: 'Delete away' }).click();
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await row('away').waitFor({ state: 'detached' });
  });
}

async function secrets({ page, server, step, axe, screenshots, expectProblems }) {
  const row = (name) => rowOf(page, name);
  const dialog = page.getByRole('dialog');

  await step('a secret is stored, and its value is shown nowhere', async () => {
    await page.getByRole('link', { name: 'Secrets' }).click();
    await page.getByRole('heading', { name: 'No secret yet' }).waitFor();
    await page.getByRole('button', { name: 'Add a secret' }).click();
    await dialog.getByLabel('Name').fill('THE_TOKEN');
    await dialog.getByLabel('Value').fill('HIDDEN-value');
    await dialog.getByLabel('Description').fill('For the tracker');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await row('THE_TOKEN').getByText('For the tracker').waitFor();
    await page.reload();
    await row('THE_TOKEN').waitFor();
    assert.doesNotMatch(await page.content(), HIDDEN);
    assert.equal(await valueOf(server, 'THE_TOKEN'), 'HIDDEN-value');
    await axe(page);
    await screenshots(page, 'settings-secrets');
  });

  await step('a name that the server refuses is marked', async () => {
    expectProblems(page, /^4\d\d PUT .*\/api\/settings\/secrets/);
    await page.getByRole('button', { name: 'Add a secret' }).click();
    await dialog.getByLabel('Name').fill('not a name');
    await dialog.getByLabel('Value').fill('HIDDEN-other');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await problemOf(dialog, 'Name');
    await axe(page);
    await page.keyboard.press('Escape');
  });

  await step('a secret is replaced, and deleted', async () => {
    await page.getByRole('button', { name: 'Replace THE_TOKEN' }).click();
    assert.equal(await dialog.getByLabel('Value').inputValue(), '');
    await dialog.getByLabel('Value').fill('HIDDEN-new\nsecond line');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await valueOf(server, 'THE_TOKEN'), 'HIDDEN-new\nsecond line');
    await row('THE_TOKEN').getByText('For the tracker').waitFor();
    await page.getByRole('button', { name: 'Delete THE_TOKEN' }).click();
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('heading', { name: 'No secret yet' }).waitFor();
  });
}

async function mcpServers({ page, server, step, axe, screenshots, expectProblems }) {
  const row = (name) => rowOf(page, name);
  const dialog = page.getByRole('dialog');
  const stored = async () => {
    const response = await fetch(`${server.url}/api/settings`, {
      headers: { 'X-Expose-Secrets': 'plaintext' },
    });
    return (await response.json()).agent_settings.mcp_config;
  };

  await step('an MCP server is added and tried', async () => {
    await page.getByRole('link', { name: 'MCP servers' }).click();
    await page.getByRole('button', { name: 'Add an MCP server' }).click();
    await dialog.getByLabel('Name').fill('clock');
    await dialog.getByLabel('Program', { exact: true }).fill(process.execPath);
    await dialog.getByLabel('Arguments').fill(`${CLOCK}\n${server.folder}/mcp.log`);
    await dialog.getByLabel('Environment variables').fill('A_TOKEN=HIDDEN-a\nB=HIDDEN-b');
    await axe(page);
    await screenshots(page, 'settings-mcp-server');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await row('clock').getByRole('button', { name: 'Check clock' }).click();
    await row('clock')
      .getByText(/It answered and has \d+ tools?:/)
      .waitFor();
    assert.doesNotMatch(await page.content(), HIDDEN);
    await screenshots(page, 'settings-mcp');
  });

  await step('a change keeps masked values, and removes what is gone', async () => {
    await page.getByRole('button', { name: 'Edit clock' }).click();
    const variables = dialog.getByLabel('Environment variables');
    assert.equal(await variables.inputValue(), 'A_TOKEN=**********\nB=**********');
    await variables.fill('A_TOKEN=**********\nC=HIDDEN-c');
    await dialog.getByLabel('Description').fill('Tells the time');
    await dialog.getByLabel('Agents use it').uncheck();
    await dialog.getByRole('button', { name: 'Store' }).click();
    await row('clock').getByText('disabled').waitFor();
    const { clock } = await stored();
    assert.deepEqual(clock.env, { A_TOKEN: 'HIDDEN-a', C: 'HIDDEN-c' });
  });

  await step('errors of the API and of the form stand at their fields', async () => {
    expectProblems(page, /^(409|422) POST .*\/api\/settings\/mcp\//);
    await page.getByRole('button', { name: 'Add an MCP server' }).click();
    await dialog.getByLabel('Name').fill('clock');
    await dialog.getByLabel('Program', { exact: true }).fill('node');
    await dialog.getByLabel('Environment variables').fill('no separator');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await problemOf(dialog, 'Environment variables');
    await dialog.getByLabel('Environment variables').fill('');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await problemOf(dialog, 'Name');
    await axe(page);
    await dialog.getByLabel('Name').fill('web');
    await dialog.getByLabel('an address').check();
    await dialog.getByLabel('URL').fill('http://127.0.0.1:9/mcp');
    await dialog.getByLabel('Headers').fill('Authorization: Bearer HIDDEN-d');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await row('web').getByText('http://127.0.0.1:9/mcp').waitFor();
    assert.deepEqual((await stored()).web.headers, { Authorization: 'Bearer HIDDEN-d' });
  });

  await step('an MCP server is removed after a question', async () => {
    await page.getByRole('button', { name: 'Remove web' }).click();
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await row('web').waitFor({ state: 'detached' });
    assert.deepEqual(Object.keys(await stored()), ['clock']);
  });
}

async function narrow({ page, server, step, axe }) {
  await step('every part fits 390 pixels, in both themes', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const part of ['', '/secrets', '/mcp']) {
      await page.goto(`${server.url}/console/settings${part}`);
      await page.locator('.page-body').waitFor();
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 390, `settings${part} is ${width} pixels wide`);
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme });
        await axe(page);
      }
    }
  });
}

/** The entry of a list with this heading. */
function rowOf(page, name) {
  return page
    .getByRole('listitem')
    .filter({ has: page.getByRole('heading', { name, exact: false, level: 2 }) });
}

/** Waits for the problem of a field, which the field refers to. */
async function problemOf(dialog, label) {
  const field = dialog.getByLabel(label, { exact: true });
  await field.and(dialog.locator('[aria-invalid="true"]')).waitFor();
  const ids = (await field.getAttribute('aria-describedby')).split(' ');
  const texts = await Promise.all(
    ids.map((id) => dialog.locator(`[id="${id}"].field-problem`).allInnerTexts()),
  );
  assert.ok(texts.flat().join('').length > 3, `${label} has a problem without a text`);
}

async function valueOf(server, name) {
  return (await fetch(`${server.url}/api/settings/secrets/${name}`)).text();
}
