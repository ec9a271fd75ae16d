import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../docs/images', import.meta.url));
const SIZE = { width: 1400, height: 880 };
/** What the plots of the server show: so many samples at such distances. */
const SAMPLES = 150;
const DISTANCE_MS = 20_000;
const PRICES = { input_cost_per_token: 0.00002, output_cost_per_token: 0.0001 };
const TEST = `printf '✓ waits for a pause\\n✓ searches once\\n2 passed\\n'\n`;
const WORK = [
  'THINK: The search box sends a request for each key. It should wait for a pause.',
  'SAY: I look at the search box first.',
  'RUN: ls src && cat src/search.js',
  'TOOL: file_editor {"command":"str_replace","path":"FOLDER/src/search.js","old_str":"input.oninput = search;","new_str":"input.oninput = debounce(search, 200);"}',
  'RUN: sh test.sh',
  'FINISH: The search box waits for 200 ms without a key before it searches.',
];

/**
 * The pictures of `docs/console.md`. They are kept in `docs/images/` when `GUIDE_PICTURES` is set:
 * `GUIDE_PICTURES=1 npm run test:ui -- console guide-pictures`.
 */
export async function guidePictures({ startServer, openPage, step }) {
  const server = await startServer({ OH_MAX_CONCURRENT_RUNS: '20' });
  const agents = await startAgents(server);
  const page = await openPage({ of: server, ...SIZE, deviceScaleFactor: 1 });
  const row = (title) => page.getByRole('row').filter({ has: page.getByRole('link', { name: title }) });

  await step('the conversations', async () => {
    await row('Remove old releases').getByText('Approval').waitFor();
    await row('Migrate the orders').getByText('Question').waitFor();
    await row('Nightly tests').getByText('Error', { exact: true }).waitFor();
    await row('Update the packages').getByText('terminal').waitFor();
    await keep(page, 'console-home');
  });

  await step('a conversation', async () => {
    await page.goto(`${server.url}/console/conversations/${agents.search}`);
    await page.getByRole('feed').getByText('✓ waits for a pause').waitFor();
    await page.getByRole('button', { name: 'Open the panel' }).click();
    await page.getByRole('tab', { name: 'Time' }).click();
    await page.getByRole('complementary').getByText('terminal').first().waitFor();
    await keep(page, 'console-conversation');
  });

  await step('the server, after an hour', async () => {
    await page.clock.install();
    await page.goto(`${server.url}/console/server`);
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    for (let sample = 0; sample < SAMPLES; sample++) {
      // More work again and again.
      for (let n = 0; n < (sample % 30) - 24; n++) await server.conversation('RUN: echo work\nFINISH: done');
      const read = page.waitForResponse(/\/metrics$/);
      await page.clock.fastForward(DISTANCE_MS);
      await read;
    }
    await keep(page, 'console-server');
  });
}

async function startAgents(server) {
  const start = async (name, title, script, more = {}) => {
    const folder = path.join(server.folder, name);
    await mkdir(path.join(folder, 'src'), { recursive: true });
    await writeFile(path.join(folder, 'test.sh'), TEST);
    const id = await server.conversation(script.replaceAll('FOLDER', folder), {
      agent: {
        llm: { model: 'scripted/demo', usage_id: 'agent', ...PRICES },
        tools: [{ name: 'terminal' }, { name: 'file_editor' }],
      },
      workspace: { working_dir: folder },
      ...more,
    });
    await server.api('PATCH', `/api/conversations/${id}`, { title });
    return id;
  };
  const asking = { confirmation_policy: { kind: 'AlwaysConfirm' } };
  await start('app', 'Write the release notes', 'RUN: git log --oneline\nFINISH: Written.', {
    tags: { team: 'web' },
  });
  const search = await start(
    'app',
    'Search waits for a pause',
    `RUN: printf 'input.oninput = search;\\n' > src/search.js\n${WORK.join('\n')}`,
    { tags: { team: 'web', issue: '482' } },
  );
  await server.reaches(search, 'finished');
  await start('nightly', 'Nightly tests', 'RUN: echo 1\nFAIL: 400 The prompt is too long for this model.');
  await start('data', 'Migrate the orders', 'SAY: Shall the old table be kept as a copy?', {
    tags: { team: 'data' },
  });
  await start('shop', 'Update the packages', 'RUN: echo packages\nRUN: sleep 600', { tags: { team: 'web' } });
  await start('docs', 'Check all links of the guides', 'RUN: echo links\nRUN: echo more\nRUN: sleep 600');
  await start('releases', 'Remove old releases', 'RUN: rm -r releases/2023-*', asking);
  return { search };
}

async function keep(page, name) {
  if (!process.env.GUIDE_PICTURES) return;
  await mkdir(FOLDER, { recursive: true });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(FOLDER, `${name}.png`), animations: 'disabled' });
}
