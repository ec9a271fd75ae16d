import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const message = (text) => ({ role: 'user', content: [{ type: 'text', text }], run: true });
const editor = (fields) => `TOOL: file_editor ${JSON.stringify(fields)}`;
const BEFORE = 'export const limit = 10;\nexport const unit = "ms";\n';

/**
 * A person at work beside an agent: a terminal of their own, the agent's edits in the tree, a search, the way
 * back to before a step, the agent's own shell and its return.
 */
export async function personAtWork(test) {
  const { id, workspace } = await conversationInRepository(test);
  const { openPage, step, axe, screenshots, api, until } = test;
  const page = await openPage({ at: `conversations/${id}?panel=terminal` });
  const panel = page.getByRole('tabpanel');
  const tab = (name) => page.getByRole('tab', { name, exact: true });
  const screen = panel.locator('.xterm-screen');
  const shows = (text) =>
    until(
      async () => (await panel.locator('.xterm-rows').innerText()).includes(text),
      `${text} on the screen`,
    );
  const type = async (text) => {
    await screen.click();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  };

  const search = async () => {
    await panel.getByRole('button', { name: 'In files' }).click();
    await panel.getByRole('searchbox').fill('seconds');
    await panel
      .getByRole('button', { name: /seconds/ })
      .first()
      .waitFor();
  };

  await step('a person opens a terminal in the workspace', async () => {
    await panel.getByText('No terminal yet').waitFor();
    await axe(page);
    await screenshots(page, 'work-no-terminal');
    await panel.getByRole('button', { name: 'New terminal' }).click();
    await screen.waitFor();
    await type('git status --short; echo "in $(basename $PWD)"');
    await shows('in repository');
    await type("printf '\\e[38;2;200;20;20mred\\e[0m by RGB\\n'");
    const colour = (element) => getComputedStyle(element).color;
    const red = panel.locator('.xterm-rows span').filter({ hasText: /^red$/ });
    assert.equal(await red.evaluate(colour), 'rgb(200, 20, 20)');
    await axe(page);
    await screenshots(page, 'work-terminal');
  });

  await step('the edits of the agent appear in the tree while it works', async () => {
    await tab('Tree').click();
    const row = (name) => panel.getByRole('listitem').filter({ hasText: name });
    await row('limits.ts').waitFor();
    await api('POST', `/api/conversations/${id}/events`, message(stepsOfAgent(workspace).join('\n')));
    await row('limits.ts').getByRole('img', { name: 'modified' }).waitFor();
    await row('notes.md').getByRole('img', { name: 'untracked' }).waitFor();
    await row('README.md').getByRole('img', { name: 'modified' }).waitFor();
    await screenshots(page, 'work-tree');
  });

  await step('its commands appear in its own terminal, into which nobody types', async () => {
    await tab('Terminal').click();
    await tab('Agent').click();
    await shows('built 3 files');
    await axe(page);
    await screenshots(page, 'work-agent-terminal');
    await finished(test, id);
  });

  await step('a search finds a line, and shows it in its file', async () => {
    await tab('Tree').click();
    await search();
    await panel
      .getByRole('button', { name: /seconds/ })
      .first()
      .waitFor();
    await axe(page);
    await screenshots(page, 'work-search');
    // The pictures of a narrow page have made the panel anew.
    if (!(await panel.getByRole('button', { name: /seconds/ }).isVisible())) await search();
    await panel
      .getByRole('button', { name: /seconds/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('seconds').first().waitFor();
    await axe(page, 'dialog');
    await screenshots(page, 'work-file');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await step('a file is as it was before step 3, and the others stay', async () => {
    await tab('Changes').click();
    const third = panel.locator('.change-step').filter({ hasText: 'limits.ts' }).first();
    await third.getByRole('button', { name: 'limits.ts', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'limits.ts in step 3' });
    await dialog.locator('td.removed', { hasText: '20' }).waitFor();
    await dialog.getByRole('button', { name: 'Restore this file' }).click();
    await page.getByText('Restored 1 file.').waitFor();
    const restored = await readFile(path.join(workspace, 'limits.ts'), 'utf8');
    assert.equal(restored, BEFORE.replace('10', '20'));
    assert.equal(await readFile(path.join(workspace, 'notes.md'), 'utf8'), 'In seconds.\n');
    await screenshots(page, 'work-restored');
  });

  await step('a person takes the shell of the agent over, where the agent has left it', async () => {
    await tab('Terminal').click();
    await tab('Agent').click();
    await panel.getByRole('button', { name: 'Take over' }).click();
    await panel.getByRole('button', { name: 'Give back' }).waitFor();
    await type('echo "$STAGE by a person"; PORT=4000');
    await shows('built by a person');
    await axe(page);
    await screenshots(page, 'work-taken-over');
  });

  await step('the shell goes back to the agent, which knows what was done in it', async () => {
    await panel.getByRole('button', { name: 'Give back' }).click();
    await panel.getByRole('button', { name: 'Take over' }).waitFor();
    const script = 'RUN: echo "port $PORT"\nFINISH: done';
    await api('POST', `/api/conversations/${id}/events`, message(script));
    await shows('port 4000');
    await finished(test, id);
    const { items } = await api('GET', `/api/conversations/${id}/events/search?limit=100`);
    assert.match(JSON.stringify(items), /a person used this terminal.*built by a person/);
    await screenshots(page, 'work-given-back');
  });

  await step('the person leaves the terminal by its shell, and sees how it ended', async () => {
    await tab('bash 1').click();
    await type('exit 3');
    await panel.getByText('Ended with 3').waitFor();
    await screenshots(page, 'work-ended');
    await panel.getByRole('button', { name: 'Close' }).click();
    await tab('bash 1').waitFor({ state: 'detached' });
  });
  await page.context().close();
}

/** A repository with three files, and an agent that waits for a task. */
async function conversationInRepository({ api, folder }) {
  const workspace = path.join(folder, 'repository');
  await mkdir(path.join(workspace, 'src'), { recursive: true });
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args], { cwd: workspace });
  await writeFile(path.join(workspace, 'limits.ts'), BEFORE);
  await writeFile(path.join(workspace, 'README.md'), '# Limits\n');
  await writeFile(path.join(workspace, 'src', 'main.ts'), 'import { limit } from "../limits.js";\n');
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'first');
  const { id } = await api('POST', '/api/conversations', {
    agent: {
      llm: { model: 'scripted/demo', usage_id: 'agent' },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }],
    },
    workspace: { working_dir: workspace },
    autotitle: false,
  });
  return { id, workspace };
}

/** Four edits, and a command between them that leaves a variable in the shell. */
function stepsOfAgent(workspace) {
  const at = (name) => path.join(workspace, name);
  return [
    editor({ command: 'str_replace', path: at('limits.ts'), old_str: '10', new_str: '20' }),
    editor({ command: 'create', path: at('notes.md'), file_text: 'In seconds.\n' }),
    editor({ command: 'str_replace', path: at('limits.ts'), old_str: '20', new_str: '30' }),
    editor({ command: 'insert', path: at('README.md'), insert_line: 1, new_str: 'See notes.md.' }),
    'RUN: STAGE=built; ls; echo "$STAGE 3 files"',
    'FINISH: The limit is 30 seconds.',
  ];
}

function finished({ api, until }, id) {
  return until(
    async () => (await api('GET', `/api/conversations/${id}`)).execution_status === 'finished',
    'the end of the run',
  );
}
