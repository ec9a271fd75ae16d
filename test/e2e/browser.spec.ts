import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { hasChromium } from '../support/chromium.js';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebSite } from '../support/web-site.js';

const present = hasChromium();
if (!present) process.stderr.write('No Chromium on the PATH: the tests of the browser tools are skipped.\n');

const agent = {
  llm: { model: 'scripted/test', usage_id: 'agent' },
  tools: [{ name: 'browser_tool_set' }],
};

/** The server's folder for browser profiles; in a shared one, other servers remove profiles of ended ones. */
let temporary: string;
let site: WebSite;
let server: ServerProcess;

/** A call of a browser tool in a script. */
const call = (name: string, args: object = {}): string => `TOOL: browser_${name} ${JSON.stringify(args)}`;

async function start(...steps: string[]): Promise<ConversationClient> {
  const script = [...steps, 'FINISH: done'].join('\n');
  return ConversationClient.create(server, scriptedRequest(path.join(server.cwd, 'work'), script, { agent }));
}

interface BrowserResult {
  content: { text: string }[];
  is_error: boolean;
  kind: string;
  screenshot_data?: string;
}

/** What the browser tools of a conversation have returned. */
async function browserResults(conversation: ConversationClient): Promise<BrowserResult[]> {
  const events = await conversation.events('&kind=ObservationEvent');
  return events
    .map((event) => event['observation'] as BrowserResult)
    .filter(({ kind }) => kind === 'BrowserObservation');
}

async function run(...steps: string[]): Promise<BrowserResult[]> {
  const conversation = await start(...steps);
  await conversation.reaches('finished');
  const seen = await browserResults(conversation);
  await server.request('DELETE', conversation.route);
  return seen;
}

/** A conversation of several tests, which do not care what its browser has shown: a start is costly. */
let shared: ConversationClient | undefined;

async function runInShared(...steps: string[]): Promise<BrowserResult[]> {
  shared ??= await start();
  await shared.reaches('finished');
  const before = (await browserResults(shared)).length;
  await shared.send([...steps, 'FINISH: done'].join('\n'));
  await shared.reaches('finished');
  return (await browserResults(shared)).slice(before);
}

const text = (seen: BrowserResult | undefined): string => seen?.content[0]?.text ?? '';

interface State {
  url: string;
  title: string;
  tabs: { tab_id: string }[];
  interactive_elements: { index: number; role: string; name: string }[];
}

const stateOf = (seen: BrowserResult | undefined): State => JSON.parse(text(seen)) as State;

/** Browser processes of this server: the path of their profile contains its process id. */
async function browserProcesses(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`-${server.pid}-`)) found.push(pid);
  }
  return found;
}

async function profiles(): Promise<string[]> {
  return (await readdir(temporary)).filter(
    (name) => name.startsWith('openhands-browser-') && name.includes(`-${server.pid}-`),
  );
}

beforeAll(async () => {
  site = await WebSite.start();
  temporary = await mkdtemp(path.join(os.tmpdir(), 'browser-'));
  server = await ServerProcess.start({ env: { TMPDIR: temporary } });
});
afterAll(async () => {
  await server.stop();
  await site.stop();
  await rm(temporary, { recursive: true, force: true });
});

describe('the browser tools', () => {
  it('refuses to open a browser that cannot be kept to the allowed domains', async () => {
    const tools = [{ name: 'browser_tool_set', params: { allowed_domains: ['example.org'] } }];
    const script = `${call('list_tabs')}\nFINISH: d`;
    const request = scriptedRequest('work', script, { agent: { ...agent, tools } });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    expect(text((await browserResults(conversation))[0])).toContain(
      'cannot keep the browser to the allowed_domains',
    );
  });

  it('reports that the browser tools are disabled', async () => {
    const disabled = await ServerProcess.start({ env: { OH_ENABLE_BROWSER: '0' } });
    try {
      const script = `${call('list_tabs')}\nFINISH: d`;
      const request = scriptedRequest(path.join(disabled.cwd, 'work'), script, { agent });
      const conversation = await ConversationClient.create(disabled, request);
      await conversation.reaches('finished');
      expect(text((await browserResults(conversation))[0])).toContain('switched off on this server');
    } finally {
      await disabled.stop();
    }
  });

  it('offers the browser tools as a set in the recorded order, also to agents of settings', async () => {
    const conversation = await start();
    await conversation.reaches('finished');
    const [prompt] = await conversation.events('&kind=SystemPromptEvent');
    const names = (prompt?.['tools'] as { title: string }[]).map(({ title }) => title);
    expect(names).toEqual([
      ...['navigate', 'click', 'get_state', 'get_content', 'type', 'scroll', 'go_back', 'list_tabs'].map(
        named,
      ),
      ...['switch_tab', 'close_tab', 'get_storage', 'set_storage', 'start_recording', 'stop_recording'].map(
        named,
      ),
      ...['finish', 'think'],
    ]);
    const settings = { agent_settings: { llm: agent.llm }, agent: undefined };
    const other = await ConversationClient.create(server, scriptedRequest('work', undefined, settings));
    expect(JSON.stringify((await other.info())['agent'])).toContain('browser_tool_set');
  });

  it('reports a missing browser and continues the conversation', async () => {
    const withoutBrowser = await ServerProcess.start({ env: { PATH: '/nowhere' } });
    try {
      const script = `${call('navigate', { url: site.url })}\nFINISH: d`;
      const request = scriptedRequest(path.join(withoutBrowser.cwd, 'work'), script, { agent });
      const conversation = await ConversationClient.create(withoutBrowser, request);
      await conversation.reaches('finished');
      const [seen] = await browserResults(conversation);
      expect(seen?.is_error).toBe(true);
      expect(text(seen)).toContain('There is no browser on this machine');
    } finally {
      await withoutBrowser.stop();
    }
  });
});

const named = (name: string): string => `browser_${name}`;

(present ? describe : describe.skip)('the browser tools with Chromium', () => {
  it('reads a page and its elements, with a screenshot on request only', async () => {
    const [opened, state, pictured, content, linked] = await run(
      call('navigate', { url: site.url }),
      call('get_state'),
      call('get_state', { include_screenshot: true }),
      call('get_content'),
      call('get_content', { extract_links: true }),
    );
    expect(text(opened)).toMatch(/^Opened http:.* in tab [0-9a-f]{4}\. Title: Home$/);
    const { title, tabs, interactive_elements } = stateOf(state);
    expect([title, tabs.length]).toEqual(['Home', 1]);
    expect(interactive_elements.map(({ role, name }) => `${role} ${name}`)).toEqual([
      ...['link rest', 'textbox Your name', 'combobox ', 'button Greet', 'link elsewhere', 'button framed'],
    ]);
    expect(state?.screenshot_data).toBeUndefined();
    expect(Buffer.from(pictured?.screenshot_data ?? '', 'base64').toString('latin1', 1, 4)).toBe('PNG');
    expect(text(content)).toContain(
      '# Welcome\n\nRead the rest of it.\n\n```\na\n  b\n```\n\n- one\n\n- two',
    );
    expect(text(content)).toContain('| x | y |\n| --- | --- |\n| 1 | 2 |');
    expect(text(content)).not.toContain('unseen');
    expect(text(linked)).toContain(`[rest](${site.url}/more)`);
  });

  it('fills in a form, clicks and goes back', async () => {
    const seen = await runInShared(
      call('navigate', { url: site.url }),
      call('get_state'),
      call('type', { index: 1, text: 'Ada' }),
      call('type', { index: 2, text: 'gruff' }),
      call('click', { index: 3 }),
      call('get_content'),
      call('go_back'),
      call('click', { index: 77 }),
    );
    expect(seen.map(({ is_error }) => is_error).indexOf(true)).toBe(7);
    expect(text(seen[4])).toContain('/greet?who=Ada&tone=gruff');
    expect(text(seen[5])).toContain('Hello Ada, gruff.');
    expect(text(seen[6])).toBe(`Went back to ${site.url}/`);
    expect(text(seen[7])).toContain('There is no element with index 77');
  });

  it('works in several tabs', async () => {
    const seen = await run(
      call('navigate', { url: site.url }),
      call('get_state'),
      call('click', { index: 4 }),
      call('list_tabs'),
      call('navigate', { url: `${site.url}/missing`, new_tab: true }),
      call('close_tab', { tab_id: 'nope' }),
    );
    expect(text(seen[2])).toContain(`which is the current one now. The page is ${site.url}/more`);
    expect(JSON.parse(text(seen[3]))).toMatchObject([{ current: false }, { title: 'More', current: true }]);
    expect(text(seen[4])).toContain('/missing (HTTP 404)');
    expect(text(seen[5])).toMatch(/There is no tab nope. Open tabs: \w{4}, \w{4}, \w{4}/);
  });

  it('opens pages of the web only', async () => {
    const addresses = [
      'file:///etc/passwd',
      'javascript:alert(1)',
      'chrome://version',
      'view-source:http://a',
    ];
    const refused = await runInShared(...addresses.map((url) => call('navigate', { url })));
    expect(refused.map((seen) => [seen.is_error, text(seen).slice(0, 40)])).toEqual(
      addresses.map(() => [true, 'The browser opens http and https pages o']),
    );
    const seen = await runInShared(
      call('navigate', { url: `${site.url}/files` }),
      call('get_state'),
      call('click', { index: 1 }),
      call('get_content'),
    );
    expect(text(seen[3])).toContain(`Content of ${site.url}/files`);
  });

  it('survives dialogs and downloads and reports them', async () => {
    const seen = await runInShared(
      call('navigate', { url: `${site.url}/dialog` }),
      call('get_state'),
      call('click', { index: 0 }),
      call('get_state'),
      call('navigate', { url: `${site.url}/files` }),
      call('get_state'),
      call('click', { index: 0 }),
      call('get_content'),
    );
    expect(text(seen[2])).toContain('[The page showed a dialog (confirm), which was dismissed: Sure?]');
    expect(stateOf(seen[3]).title).toBe('false');
    expect(text(seen[6]) + text(seen[7])).toContain('does not save: data.bin from');
  });

  it('returns a long page in parts', async () => {
    const [, first, last, beyond] = await runInShared(
      call('navigate', { url: `${site.url}/long` }),
      call('get_content'),
      call('get_content', { start_from_char: 149_990 }),
      call('get_content', { start_from_char: 150_000 }),
    );
    expect(text(first)).toContain('characters 0 to 49000 of 149999; go on with start_from_char=49000:');
    expect(text(first).length).toBeLessThan(50_000);
    expect(text(last)).toMatch(/of 149999:\n\nword word$/);
    expect(beyond?.is_error).toBe(true);
  });

  it('reads and replaces cookies and local storage', async () => {
    const cookie = { name: 'fresh', value: 'baked', domain: '127.0.0.1', path: '/' };
    const [, before, set, after, wrong] = await run(
      call('navigate', { url: `${site.url}/keep` }),
      call('get_storage'),
      call('set_storage', { storage_state: { cookies: [cookie], origins: [] } }),
      call('get_storage'),
      call('set_storage', { storage_state: { cookies: [{ name: 1 }] } }),
    );
    expect(JSON.parse(text(before))).toMatchObject({
      cookies: [{ name: 'biscuit', value: '1' }],
      origins: [{ origin: site.url, localStorage: [{ name: 'kept', value: 'here' }] }],
    });
    expect(set?.is_error).toBe(false);
    expect(JSON.parse(text(after))).toMatchObject({ cookies: [{ name: 'fresh' }], origins: [] });
    expect(text(wrong)).toMatch(/^storage_state: cookies\.0\.name: /);
  });

  it('records the browser into a file of the conversation', async () => {
    const conversation = await start(
      call('start_recording'),
      call('navigate', { url: site.url }),
      call('stop_recording'),
      call('stop_recording'),
    );
    await conversation.reaches('finished');
    const seen = await browserResults(conversation);
    const file = /It is in (\S+\.zip)/.exec(text(seen[2]))?.[1] ?? '';
    expect((await stat(file)).size).toBeGreaterThan(1000);
    expect(text(seen[3])).toBe('There is no recording to stop.');
  });

  it('ends a page that hangs and continues with a new browser', async () => {
    const tools = [{ name: 'browser_tool_set', params: { action_timeout_seconds: 3 } }];
    const steps = [
      call('navigate', { url: `${site.url}/loop` }),
      call('get_state'),
      call('click', { index: 0 }),
      call('get_content'),
      call('navigate', { url: `${site.url}/more` }),
      'FINISH: d',
    ];
    const request = scriptedRequest('work', steps.join('\n'), { agent: { ...agent, tools } });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    const seen = await browserResults(conversation);
    expect(seen.map(text).join('\n')).toContain('The page did not react within 3 seconds.');
    expect(text(seen[4])).toContain('Title: More');
  });

  it('stops a browser action at once on interrupt and continues afterwards', async () => {
    const conversation = await start(call('navigate', { url: `${site.url}/never` }));
    await eventually(() => site.hanging.length > 0);
    const began = Date.now();
    await conversation.post('interrupt');
    await conversation.reaches('paused');
    expect(Date.now() - began).toBeLessThan(5000);
    await conversation.send(`${call('navigate', { url: `${site.url}/more` })}\nFINISH: d`);
    await conversation.reaches('finished');
    const seen: SeenEvent[] = await conversation.events('&kind=ObservationEvent');
    expect(JSON.stringify(seen)).toContain('Title: More');
  });

  it('leaves no browser process and no profile behind after a deletion, a shutdown or a crash', async () => {
    const conversation = await start(call('navigate', { url: site.url }));
    await conversation.reaches('finished');
    expect((await browserProcesses()).length).toBeGreaterThan(0);
    expect((await profiles()).length).toBeGreaterThan(0);
    for (const { id } of await conversations()) await server.request('DELETE', `/api/conversations/${id}`);
    await eventually(
      async () => (await browserProcesses()).length + (await profiles()).length === 0,
      'the end of the browser',
    );

    await (await start(call('navigate', { url: site.url }))).reaches('finished');
    expect((await browserProcesses()).length).toBeGreaterThan(0);
    await server.end('SIGKILL');
    await eventually(async () => (await browserProcesses()).length === 0, 'the end of the browser');
    const [left] = await profiles();
    expect(left).toBeDefined();

    server = await server.restart();
    await (await start(call('navigate', { url: site.url }))).reaches('finished');
    expect(await readdir(temporary)).not.toContain(left);
    await server.end();
    expect([await browserProcesses(), await profiles()]).toEqual([[], []]);
  });
});

async function conversations(): Promise<{ id: string }[]> {
  const { body } = await server.request('GET', '/api/conversations/search?limit=100');
  return (body as { items: { id: string }[] }).items;
}
