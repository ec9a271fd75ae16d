/**
 * Drives the fetched web UI (`npm run ui`, unchanged) in headless Chromium against a real server that serves
 * it: first start, every screen, a conversation with tools, approval of an action, a reload while the agent
 * works, a restart, files, deletion, a wrong key, and a proxy. Not part of `npm test`: it needs Chromium and
 * the UI, and ends with `skipped` and the reason where one is missing.
 *
 *     npm run test:ui -- canvas [folder of another build]
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../dist/current/server/version.js';
import { installedUi, uiPlace } from '../../dist/current/ui/installed-ui.js';
import { startServer } from '../support/with-server.mjs';
import { startProxy } from './proxy.mjs';
import { automate } from './automate.mjs';
import { screens, secrets, shows, tabs } from './screens.mjs';
import { keepScreenshots, launchChromium } from './support/chromium.mjs';
import { skip, Steps } from './support/steps.mjs';

const PATIENCE_MS = 60_000;

/** Routes of other programs that the UI also calls: synchronising automations by git, OpenHands Cloud. */
const OTHER_PROGRAMS = [/\/api\/automation\/v1\/git-sync\//, /\/api\/llm\/balance/, /\/api\/shared-/];
/** A file that the UI requests and that may be missing: the plan. */
const MAY_BE_MISSING = /\/api\/file\/download\?path=[^&]*PLAN\.md/;

const build =
  process.argv[2] === undefined ? installedUi(uiPlace(PACKAGE_FOLDER)) : path.resolve(process.argv[2]);
if (build === undefined) skip('the web UI is not in this checkout; fetch it with `npm run ui`');
const browser = await launchChromium();
if (browser === undefined) skip('there is no Chromium; install it or set CHROME_PATH');

const folder = await mkdtemp(path.join(os.tmpdir(), 'canvas-'));
const keyFile = path.join(folder, '.openhands/agent-canvas/secret-key.txt');
const environment = { HOME: folder, OH_PERSISTENCE_DIR: path.join(folder, '.openhands') };
/** What `npm start` needs after `npm run ui`: nothing. */
const withUi = process.argv[2] === undefined ? { OH_UI_PATH_IS_NONE: '' } : { OH_UI_PATH: build };
let server = await startServer(folder, { ...environment, ...withUi });
const problems = [];
const steps = new Steps();
const step = (name, action) => steps.run(name, action);
try {
  const page = await openPage();
  await firstStart(page);
  await conversation(page);
  await page.getByTestId('right-panel-toggle').click();
  await tabs(page, server.url, say, step);
  await page.getByTestId('right-panel-toggle').click();
  await screens(page, server.url, idIn(page), step);
  await secrets(page, server.url, get, step);
  await approval(page);
  await reload(page);
  await files(page);
  await reloadDuringRun(page);
  await deletion(page);
  await automate(page, server.url, send, (text) => say(page, text), step);
  await page.close();
  await step('no request of the UI failed, and no script of it', () => assert.deepEqual(problems, []));
  await wrongKey();
  await servedByProxy();
  await step('no request failed with a key and a proxy, but for the wrong key', () =>
    assert.deepEqual(problems, ['401 GET /api/settings']),
  );
} catch (error) {
  steps.fail(error);
  await keepScreenshots(browser, 'canvas');
  if (problems.length > 0) console.error(`failed requests and scripts: ${problems.join(', ')}`);
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  steps.close();
}

async function openPage() {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  // The UI loads fonts and icons from other hosts; the test sends no request to them.
  let refusedScripts = 0;
  await page.route(
    ({ hostname }) => !['127.0.0.1', 'localhost'].includes(hostname),
    (route) => {
      if (route.request().resourceType() === 'script') refusedScripts++;
      return route.abort();
    },
  );
  page.on('response', (response) => {
    const { status, url } = { status: response.status(), url: response.url() };
    if (status === 404 && MAY_BE_MISSING.test(url)) return;
    if (status < 400 || OTHER_PROGRAMS.some((pattern) => pattern.test(url))) return;
    problems.push(`${status} ${response.request().method()} ${new URL(url).pathname}`);
  });
  page.on('pageerror', ({ message }) => {
    // A component that loads a script from another host (the diff editor) fails with the event of that
    // script.
    if (message === 'Event' && refusedScripts > 0) refusedScripts--;
    else problems.push(message);
  });
  return page;
}

async function firstStart(page) {
  await step('the first start asks for consent, an agent and a model, and stores them', async () => {
    await page.goto(server.url);
    await page.getByRole('button', { name: 'Confirm preferences' }).click();
    await page.getByTestId('onboarding-agent-next').click();
    await page.getByTestId('sdk-section-advanced-toggle').click();
    await page.getByTestId('llm-custom-model-input').fill('scripted/canvas');
    await page.getByTestId('llm-api-key-input').fill('sk-of-the-person');
    const chosen = page.waitForResponse((answer) => /agent-profiles\/[^/]+\/activate$/.test(answer.url()));
    await page.getByTestId('onboarding-llm-next').click();
    await chosen;
    const { agent_settings } = await get('/api/settings');
    assert.equal(agent_settings.llm.model, 'scripted/canvas');
    assert.equal(agent_settings.llm.api_key, '**********');
    assert.doesNotMatch(
      await readFile(path.join(folder, '.openhands/settings.json'), 'utf8'),
      /sk-of-the-person/,
    );
  });
}

async function conversation(page) {
  await step('the server has made a secret key that only its user can read', async () => {
    assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
    assert.match(server.log(), /made a secret key, because the web UI needs one/);
  });
  await step('a message starts a conversation whose agent works with tools', async () => {
    await page.getByTestId('onboarding-hello-input').fill('RUN: echo hello > hello.txt');
    await page.getByTestId('onboarding-hello-input').press('Enter');
    await page.getByTestId('agent-message').getByText('The script is at its end').waitFor();
    await page.waitForURL(/\/conversations\/[0-9a-f-]{36}/);
    const { workspace } = await get(`/api/conversations/${idIn(page)}`);
    assert.equal(await readFile(path.resolve(folder, workspace.working_dir, 'hello.txt'), 'utf8'), 'hello\n');
  });
  await step('a second message is answered in the same conversation', async () => {
    await say(page, 'RUN: cat hello.txt\nFINISH: It says hello.');
    await page.getByTestId('agent-message').getByText('It says hello.').waitFor();
  });
}

async function approval(page) {
  await step('the settings enable the confirmation of risky actions', async () => {
    await page.goto(`${server.url}/settings/verification`);
    await page.getByText('Confirmation Mode', { exact: true }).click();
    const saved = page.waitForResponse((answer) => answer.request().method() === 'PATCH' && answer.ok());
    await page.getByTestId('save-button').click();
    await saved;
    assert.equal((await get('/api/settings')).conversation_settings.confirmation_mode, true);
  });
  const risky = (name) =>
    `TOOL: terminal {"command":"echo I am ${name} > ${name}","security_risk":"HIGH"}\nFINISH: Done with ${name}.`;
  await step('a risky action waits, and is executed when it is approved', async () => {
    await page.goto(`${server.url}/conversations`);
    await say(page, risky('approved.txt'));
    await page.getByTestId('action-confirm-button').waitFor();
    assert.deepEqual(await filesOf(page), []);
    await page.getByTestId('action-confirm-button').click();
    await page.getByTestId('agent-message').getByText('Done with approved.txt.').waitFor();
    assert.deepEqual(await filesOf(page), ['approved.txt']);
  });
  await step('a risky action that is rejected is not executed', async () => {
    await say(page, risky('rejected.txt'));
    await page.getByTestId('action-reject-button').click();
    await page.getByTestId('action-reject-button').waitFor({ state: 'detached' });
    assert.deepEqual(await filesOf(page), ['approved.txt']);
  });
}

async function reload(page) {
  await step('a reload shows the whole conversation again, also after a restart of the server', async () => {
    await page.reload();
    await page.getByTestId('agent-message').getByText('Done with approved.txt.').waitFor();
    const port = new URL(server.url).port;
    await server.stop();
    server = await startServer(folder, { ...environment, ...withUi }, port);
    await page.reload();
    await page.getByTestId('agent-message').getByText('Done with approved.txt.').waitFor();
  });
}

async function reloadDuringRun(page) {
  await step('a reload while the agent works shows its work and how it ends', async () => {
    await page.goto(`${server.url}/settings/verification`);
    await page.getByText('Confirmation Mode', { exact: true }).click();
    const saved = page.waitForResponse((answer) => answer.request().method() === 'PATCH' && answer.ok());
    await page.getByTestId('save-button').click();
    await saved;
    await page.goto(`${server.url}/conversations`);
    await say(
      page,
      'RUN: touch started; until [ -e go ]; do sleep 0.1; done; rm go started\nFINISH: Done after the reload.',
    );
    await page.waitForURL(/\/conversations\/[0-9a-f-]{36}/);
    const { workspace } = await get(`/api/conversations/${idIn(page)}`);
    const inWorkspace = (name) => path.resolve(folder, workspace.working_dir, name);
    await page.getByTestId('stop-button').waitFor();
    await page.reload();
    await page.getByTestId('stop-button').waitFor();
    await page.getByTestId('user-message').getByText('until [ -e go ]').waitFor();
    await writeFile(inWorkspace('go'), '');
    await page.getByTestId('agent-message').getByText('Done after the reload.').waitFor();
    await page.getByTestId('stop-button').waitFor({ state: 'detached' });
  });
}

async function files(page) {
  await step('the files of the workspace are shown, and what is in them', async () => {
    await page.getByTestId('right-panel-toggle').click();
    await page.getByTestId('file-tree-file-approved.txt').click();
    await page.getByTestId('files-tab-content').getByText('I am approved.txt').waitFor();
  });
}

async function deletion(page) {
  await step('the list has all three conversations, and only two after a deletion', async () => {
    const cards = page.getByTestId('conversation-card');
    await cards.nth(2).waitFor();
    assert.equal(await cards.count(), 3);
    await cards.first().hover();
    await cards.first().getByTestId('ellipsis-button').click();
    await page.getByTestId('delete-button').click();
    await page.getByRole('button', { name: 'Confirm Delete' }).click();
    await cards.nth(2).waitFor({ state: 'detached' });
    assert.equal(await get('/api/conversations/count'), 2);
  });
}

async function wrongKey() {
  const key = 'the key of the session';
  await server.stop();
  server = await startServer(folder, { ...environment, ...withUi, SESSION_API_KEY: key });
  const page = await openPage();
  await step('a page without a key asks for it, and says that a wrong one is wrong', async () => {
    await page.goto(server.url);
    await page.getByTestId('onboarding-backend-api-key').fill('a wrong key');
    await page.getByTestId('onboarding-backend-next').click();
    await page.getByText('Invalid API key').waitFor();
    assert.doesNotMatch(await page.content(), new RegExp(key));
  });
  await step('the right key opens the server, also after a reload', async () => {
    await page.getByTestId('onboarding-backend-api-key').fill(key);
    await page.getByTestId('onboarding-backend-next').click();
    await page.getByTestId('onboarding-backend-api-key').waitFor({ state: 'hidden' });
    await skipOnboarding(page);
    await page.reload();
    await page.getByTestId('conversation-card').nth(1).waitFor();
    await say(page, 'SAY: Said with a key.');
    await page.getByTestId('agent-message').getByText('Said with a key.').waitFor();
  });
  await page.close();
}

async function servedByProxy() {
  await step('the UI also works when a proxy serves it and forwards requests to the server', async () => {
    await server.stop();
    const key = 'the key of the session';
    server = await startServer(folder, { ...environment, SESSION_API_KEY: key });
    const proxy = await startProxy(build, server.url, key);
    try {
      const page = await openPage();
      await page.goto(`${proxy.url}/conversations`);
      await skipOnboarding(page);
      await page.goto(`${proxy.url}/settings/llm`);
      await shows(page, /scripted\/canvas/);
      await page.goto(`${proxy.url}/conversations`);
      await say(page, 'SAY: Said through a proxy.');
      await page.getByTestId('agent-message').getByText('Said through a proxy.').waitFor();
      // Closed before its connections end, which the page would report as errors.
      await page.close();
    } finally {
      await proxy.stop();
    }
  });
}

/** The onboarding is shown to a new browser. */
async function skipOnboarding(page) {
  const consent = page.getByRole('button', { name: 'Confirm preferences' });
  const offer = page.getByText('Skip for now');
  await consent.or(offer).or(page.getByTestId('conversation-card')).first().waitFor();
  if (await consent.isVisible()) await consent.click();
  if (await offer.isVisible()) await offer.click();
  await page.getByTestId('conversation-card').first().waitFor();
}

async function say(page, text) {
  await page.getByTestId('chat-input').click();
  await page.keyboard.insertText(text);
  await page.getByTestId('submit-button').click();
}

function idIn(page) {
  return (
    /conversations\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? assert.fail(`no conversation in ${page.url()}`)
  );
}

async function filesOf(page) {
  const { workspace } = await get(`/api/conversations/${idIn(page)}`);
  return (await readdir(path.resolve(folder, workspace.working_dir))).filter((name) => !name.startsWith('.'));
}

async function get(route) {
  const response = await fetch(server.url + route);
  assert.equal(response.status, 200, route);
  return response.json();
}

async function send(method, route, body) {
  const response = await fetch(server.url + route, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${route}: ${response.status}`);
  return response.json();
}
