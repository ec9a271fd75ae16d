import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const AGENTS = 20;
/** Waits for a file, so that the test decides when each agent goes on. */
const UNTIL_GO = 'until [ -e go ]; do sleep 0.1; done';

/** Twenty agents at once, seen on the home view as they work. */
export async function manyAgents({ startServer, openPage, step, screenshots, axe }) {
  const server = await startServer({ OH_MAX_CONCURRENT_RUNS: String(AGENTS) });
  const page = await openPage({ of: server, height: 1800 });
  const requests = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  const agents = [];
  const row = ({ title }) => page.getByRole('row').filter({ has: page.getByRole('link', { name: title }) });

  await step(`${AGENTS} agents that start appear by themselves, with what they do`, async () => {
    for (let n = 1; n <= AGENTS; n++) agents.push(await startAgent(server, n));
    await page.getByText(`${AGENTS} running`).waitFor();
    await page.getByRole('heading', { name: `Running ${AGENTS}` }).waitFor();
    for (const agent of [agents[0], agents[AGENTS - 1]]) await row(agent).getByText('terminal').waitFor();
    await axe(page);
    await screenshots(page, 'home-twenty-agents');
  });

  await step('each goes where it belongs when it goes on, without a request', async () => {
    const before = requests.length;
    for (const agent of agents) await writeFile(path.join(agent.folder, 'go'), '');
    await page.getByRole('heading', { name: /^Running/ }).waitFor({ state: 'detached' });
    // One in four each: finished, failed, waiting for an approval, or asking a question.
    await page.getByRole('heading', { name: `Waits for you ${(AGENTS * 3) / 4}` }).waitFor();
    await page.getByRole('heading', { name: `Others ${AGENTS / 4}` }).waitFor();
    await page.getByRole('button', { name: /^Show \d+ more that wait/ }).click();
    await row(agents[1]).getByText('Error', { exact: true }).waitFor();
    await row(agents[2]).getByText('Approval').waitFor();
    await row(agents[2]).getByText('echo dangerous').waitFor();
    await row(agents[3]).getByText('Question').waitFor();
    await row(agents[3]).getByText('Which database?').waitFor();
    // The load of the server is collected beside it.
    const asked = requests.slice(before).filter((one) => one.includes('/api/'));
    assert.deepEqual(asked, []);
    await screenshots(page, 'home-waiting');
  });
}

/** @returns an agent that runs a command until it may go on, and then ends in one of four ways */
async function startAgent(server, n) {
  const folder = path.join(server.folder, `agent-${n}`);
  await mkdir(folder, { recursive: true });
  const title = `Agent ${String(n).padStart(2, '0')}`;
  const end = [
    'SAY: Which database?',
    'FINISH: done',
    'FAIL: 400 The model refused.',
    'TOOL: terminal {"command":"echo dangerous","security_risk":"HIGH"}',
  ][n % 4];
  const id = await server.conversation(`RUN: ${UNTIL_GO}\n${end}`, {
    workspace: { working_dir: folder },
    confirmation_policy: { kind: 'ConfirmRisky', threshold: 'HIGH', confirm_unknown: false },
    security_analyzer: { kind: 'LLMSecurityAnalyzer' },
    tags: { team: n % 2 === 0 ? 'web' : 'data' },
  });
  await server.api('PATCH', `/api/conversations/${id}`, { title });
  return { id, title, folder };
}
