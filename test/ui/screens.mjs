import assert from 'node:assert/strict';

/** All screens by their address, and the text that they show when the server has answered. */
const SCREENS = {
  '': /Let's Start Building![\s\S]*Open Workspace/,
  conversations: /Let's Start Building!/,
  'conversations/ID/panel': /Uncommitted[\s\S]*the first commit/,
  launch: /Unable to Launch/,
  customize: /No MCP servers installed yet/,
  settings: /Available Profiles[\s\S]*default/,
  'settings/agents': /Available Profiles[\s\S]*default/,
  'settings/llm': /Available Profiles[\s\S]*scripted\/canvas[\s\S]*No provider connections yet/,
  'settings/condenser': /Enable Memory Condensation/,
  'settings/agent-context': /Persistent Agent Memory/,
  'settings/verification': /Confirmation Mode[\s\S]*Enable Critic/,
  'settings/app': /Git Username/,
  'settings/secrets': /No secrets saved yet/,
  mcp: /No MCP servers installed yet[\s\S]*Library/,
  skills: /result\(s\)[\s\S]*add-skill/,
  plugins: /No plugins found/,
  apps: /No apps are installed on this backend/,
  'extensions/none': /This app is disabled, missing/,
  // Of other programs: the UI says that they are not there.
  automations: /Automations Unavailable/,
  'automations/git-sync': /Automations Unavailable/,
  'automations/templates': /Incident retrospective drafter/,
  'shared/conversations/ID': /Conversation not found/,
  'oauth/device/verify': /Device Authorization/,
};

/** Tabs beside a conversation, and the text that they show after the agent has worked. */
const TABS = {
  commits: /Uncommitted[\s\S]*the first commit/,
  tasklist: /Look around/,
  planner: /There is currently no plan/,
  terminal: /typed-by-the-agent/,
  browser: /\/health/,
  usage: /Total Cost/,
};

/**
 * Opens each screen.
 * @param {string} id of a conversation
 */
export async function screens(page, url, id, step) {
  for (const [name, seen] of Object.entries(SCREENS)) {
    await step(`the screen /${name} shows what the server has`, async () => {
      await page.goto(`${url}/${name.replace('ID', id)}`);
      await shows(page, seen);
    });
  }
}

/** Stores a secret with the form of the UI. */
export async function secrets(page, url, get, step) {
  await step('a secret is stored with the form, and shown without its value', async () => {
    await page.goto(`${url}/settings/secrets`);
    await page.getByText('Add a new secret').click();
    await page.getByTestId('name-input').fill('THE_TOKEN');
    await page.getByTestId('value-input').fill('sesame');
    const stored = page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.ok());
    await page.getByTestId('submit-button').click();
    await stored;
    await page.getByTestId('value-input').waitFor({ state: 'detached' });
    await shows(page, /THE_TOKEN/);
    const { secrets: known } = await get('/api/settings/secrets');
    assert.deepEqual(
      known.map(({ name }) => name),
      ['THE_TOKEN'],
    );
    assert.doesNotMatch(await page.content(), /sesame/);
  });
}

/**
 * Lets the agent use tools in the open conversation, and opens each tab beside it.
 * @param {(page: object, text: string) => Promise<void>} say
 */
export async function tabs(page, url, say, step) {
  await step('the agent commits, plans, and opens a page', async () => {
    await say(
      page,
      [
        'RUN: git init -q; git add -A; git -c user.name=n -c user.email=e@e commit -qm "the first commit"; echo brand-new-line > new.txt',
        'RUN: echo typed-by-the-agent',
        'TOOL: task_tracker {"command":"plan","task_list":[{"title":"Look around","status":"todo","notes":""}]}',
        `TOOL: browser_navigate {"url":"${url}/health"}`,
        'TOOL: browser_get_state {"include_screenshot":true}',
        'FINISH: Everything is prepared.',
      ].join('\n'),
    );
    await page.getByTestId('agent-message').getByText('Everything is prepared.').waitFor();
  });
  for (const [name, seen] of Object.entries(TABS)) {
    await step(`the tab ${name} shows what the agent has done`, async () => {
      await page.getByTestId(`conversation-tab-${name}`).click();
      await shows(page, seen);
    });
  }
  await step('changed files are listed, and their diff is fetched', async () => {
    await page.getByTestId('conversation-tab-commits').click();
    await page.getByTestId('uncommitted-changes-row-toggle').click();
    const fetched = page.waitForResponse((answer) => /\/git\/diff\?/.test(answer.url()));
    await page.getByTestId('diff-change-list').getByText('new.txt').click();
    // The diff editor is loaded from another host, to which the test sends no requests.
    const { modified, original } = await (await fetched).json();
    assert.deepEqual([original, modified], ['', 'brand-new-line']);
  });
}

/** Waits until the texts and the fields of the page match a pattern. */
export async function shows(page, pattern) {
  await page.waitForFunction(
    ([source, flags]) => {
      const fields = [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
      // The terminal shows non-breaking spaces.
      const text = [document.body.innerText, ...fields].join('\n').replaceAll('\u00a0', ' ');
      return new RegExp(source, flags).test(text);
    },
    [pattern.source, pattern.flags],
  );
}
