import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { userMessage } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { LeakDetector } from '../support/leak-detector.js';
import {
  IN_COMMAND,
  invalidRequests,
  planted,
  PLANTED,
  plantedEnvironment,
  plantedRequest,
  SESSION_KEY,
  WEBHOOK,
} from '../support/planted-secrets.js';
import { zipEntries } from '../support/zip-entries.js';

describe('secrets planted in every field that takes one', () => {
  let folder: string;
  let endpoint: ChatEndpoint;
  let server: ServerProcess;
  let detector: LeakDetector;

  async function prepare(): Promise<void> {
    folder = await mkdtemp(path.join(os.tmpdir(), 'planted-'));
    endpoint = await startScriptedEndpoint();
  }

  async function cleanUp(): Promise<void> {
    await endpoint.close();
    await rm(folder, { recursive: true, force: true });
  }

  const start = (env: Record<string, string>) => ServerProcess.start({ cwd: folder, env, key: SESSION_KEY });
  /** Records the log so far. */
  const readLog = async () => detector.note('log', await server.flushedLog());

  async function create(baseUrl = endpoint.url, autotitle = false): Promise<string> {
    const { status, text } = await detector.request(server, 'POST', '/api/conversations', {
      ...plantedRequest(folder, baseUrl),
      autotitle,
    });
    expect({ status, text }).toMatchObject({ status: 201 });
    return String(/"id":"([\w-]+)"/.exec(text)?.[1]);
  }

  async function reaches(id: string, ...statuses: string[]): Promise<void> {
    await eventually(async () => {
      const { text } = await detector.request(server, 'GET', `/api/conversations/${id}`);
      return statuses.some((status) => text.includes(`"execution_status":"${status}"`));
    }, statuses.join());
  }

  const send = (id: string, text: string) =>
    detector.request(server, 'POST', `/api/conversations/${id}/events`, userMessage(text, true));

  /** Everything that a client can read about a conversation. */
  async function readAll(id: string): Promise<void> {
    const routes = [
      ...['', '/events/search', '/events/count', '/agent_final_response', '/events/search?limit=0'],
      ...['/events', '/runtime'],
    ];
    for (const route of routes) await detector.request(server, 'GET', `/api/conversations/${id}${route}`);
    await detector.request(server, 'GET', '/api/conversations/search?include_skills=true');
    await detector.request(server, 'GET', `/api/conversations?ids=${id}`);
    await detector.request(server, 'GET', '/server_info');
    for (const route of [
      '/api/server/configuration',
      '/api/server/log?limit=500',
      '/api/webhooks',
      '/metrics',
    ])
      await detector.request(server, 'GET', route);
    const { text } = await detector.request(
      server,
      'GET',
      `/api/conversations/${id}/events/search?limit=100`,
    );
    for (const [, event] of text.matchAll(/"id":"([\w-]{36})","timestamp"/g)) {
      await detector.request(server, 'GET', `/api/conversations/${id}/events/${String(event)}`);
    }
    const trajectory = await fetch(`${server.url}/api/file/download-trajectory/${id}`, {
      headers: { 'x-session-api-key': SESSION_KEY },
    });
    expect(trajectory.status).toBe(200);
    const entries = zipEntries(Buffer.from(await trajectory.arrayBuffer()));
    for (const [name, content] of entries) detector.note(`trajectory ${name}`, content.toString());
  }
  const metadataOf = (id: string) => new RegExp(`^file .*/${id.replaceAll('-', '')}/metadata\\.json$`);

  describe('on one server', () => {
    let receiver: WebhookReceiver;
    beforeAll(async () => {
      await prepare();
      receiver = await WebhookReceiver.start();
      const webhooks = [WEBHOOK, { base_url: receiver.url, headers: WEBHOOK.headers, event_buffer_size: 1 }];
      const env = plantedEnvironment(folder, planted('secret-key'));
      server = await start({ ...env, OH_WEBHOOKS: JSON.stringify(webhooks) });
    });
    afterAll(async () => {
      expect(await server.end()).toBe(0);
      await receiver.down();
      // What the end of the server has written.
      const end = new LeakDetector({});
      end.note('log', server.log);
      await end.readFiles(folder);
      expect(end.find(PLANTED)).toEqual([]);
      await cleanUp();
    });
    beforeEach(() => {
      detector = new LeakDetector({ 'x-session-api-key': SESSION_KEY });
      endpoint.requests.length = 0;
    });
    afterEach(() => detector.close());

    it('planted secrets are not revealed in normal work and are stored only as encrypted tokens', async () => {
      const id = await create();
      await detector.listen(
        server,
        `/sockets/events/${id}?session_api_key=${SESSION_KEY}&resend_mode=all`,
        [],
        {},
      );
      await detector.listen(server, `/sockets/session/${id}?after_seq=-1`, [], {
        authorization: `Bearer ${SESSION_KEY}`,
      });
      await send(id, `RUN: echo ${IN_COMMAND}; env; export -p; history\nRUN: seq 30000\nFINISH: done`);
      await reaches(id, 'finished');
      expect(endpoint.requests[0]?.headers.authorization).toBe(`Bearer ${planted('llm-key')}`);
      await readAll(id);
      const { text: forked } = await detector.request(server, 'POST', `/api/conversations/${id}/fork`, {});
      const fork = String(/"id":"([\w-]+)"/.exec(forked)?.[1]);
      await readAll(fork);
      await detector.request(server, 'GET', '/openapi.json');
      await eventually(() =>
        Promise.resolve(receiver.received.some(({ text }) => text.includes('finished'))),
      );

      for (const { path: route, text } of receiver.received) detector.note(`webhook ${route}`, text);
      await readLog();
      await detector.readFiles(folder);
      for (const one of [id, fork])
        expect(detector.textOf(metadataOf(one)).match(/"(https?:\/\/)?gAAAAA/g)).toHaveLength(25);
      expect(detector.textOf(/^socket/)).toContain('LLMCompletionLogEvent');
      expect(detector.textOf(/^trajectory/)).toContain('SystemPromptEvent');
      expect(detector.textOf(/^socket/)).toContain('"full_state"');
      expect(detector.find(PLANTED)).toEqual([]);
      // The command is in the conversation's log and nowhere else: not in a history file, not in the server's
      // log.
      const elsewhere = detector
        .find(new RegExp(IN_COMMAND))
        .filter((it) => !/^(file .*events.jsonl|GET |socket |trajectory |webhook )/.test(it));
      expect(elsewhere).toEqual([]);
    });

    it('planted secrets are not revealed when they are added to a conversation later and used', async () => {
      const id = await create();
      await detector.listen(server, `/sockets/events/${id}?resend_mode=all`);
      const route = `/api/conversations/${id}`;
      const later = {
        PLAIN: planted('later-plain'),
        STATIC: { kind: 'StaticSecret', value: planted('later-static') },
      };
      const llm = { ...plantedRequest(folder, endpoint.url).agent.llm, api_key: planted('switched-key') };
      const steps: [string, unknown][] = [
        ['secrets', { secrets: later }],
        [
          'security_analyzer',
          { security_analyzer: { kind: 'GraySwanAnalyzer', api_key: planted('later-analyzer') } },
        ],
        ['security_analyzer', { security_analyzer: null }],
        ['switch_llm', { llm }],
        ['secrets', { secrets: { A: [planted('in-a-mistake')] } }],
        [
          'security_analyzer',
          { security_analyzer: { kind: 'GraySwanAnalyzer', api_key: [planted('in-a-mistake')] } },
        ],
        ['switch_llm', { llm: { ...llm, api_key: [planted('in-a-mistake')] } }],
      ];
      const statuses: number[] = [];
      for (const [what, body] of steps) {
        statuses.push((await detector.request(server, 'POST', `${route}/${what}`, body)).status);
      }
      expect(statuses).toEqual([200, 200, 200, 200, 422, 422, 422]);
      await send(id, 'RUN: echo $PLAIN; echo $STATIC; seq 30000; env\nFINISH: done');
      await reaches(id, 'finished');
      expect(endpoint.requests.at(-1)?.headers.authorization).toBe(`Bearer ${planted('switched-key')}`);
      await detector.request(server, 'POST', `${route}/fork`, {});
      await readAll(id);
      await detector.request(server, 'GET', '/api/webhooks');
      await readLog();
      await detector.readFiles(folder);
      expect(detector.find(PLANTED)).toEqual([]);
    });

    it('planted secrets are not revealed in error answers, close reasons or the log', async () => {
      const id = await create();
      for (const invalid of invalidRequests(plantedRequest(folder, endpoint.url))) {
        const { status } = await detector.request(server, 'POST', '/api/conversations', invalid);
        expect([404, 422]).toContain(status);
      }
      const wrong = planted('wrong-key');
      const wrongKeys: Record<string, string>[] = [
        { 'x-session-api-key': wrong },
        { authorization: `Bearer ${wrong}` },
      ];
      for (const headers of wrongKeys) {
        expect(
          (await detector.request(server, 'GET', '/api/conversations/search', undefined, headers)).status,
        ).toBe(401);
      }
      for (const key of [SESSION_KEY, wrong]) {
        await detector.request(server, 'GET', `/api/conversations/search?session_api_key=${key}&limit=0`);
        await detector.request(server, 'GET', `/nowhere?api_key=${key}`);
        await detector.listen(
          server,
          `/sockets/events/${id}?session_api_key=${key}&resend_mode=nope`,
          [],
          {},
        );
      }
      await detector.listen(server, `/sockets/events/${id}?session_api_key=${wrong}`, [], {});
      await detector.listen(
        server,
        `/sockets/events/${id}`,
        [JSON.stringify({ type: 'auth', session_api_key: wrong })],
        {},
      );
      const frames = [
        `{"api_key": "${wrong}"`,
        JSON.stringify({ role: 5, api_key: wrong }),
        JSON.stringify([wrong]),
      ];
      await detector.listen(server, `/sockets/events/${id}`, frames);
      await eventually(() =>
        Promise.resolve(detector.textOf(/^socket/).split('ServerErrorEvent').length > frames.length),
      );
      await eventually(() => Promise.resolve(detector.textOf(/^close/).includes('4001')));
      await detector.request(server, 'POST', `/api/conversations/${id}/events`, {
        api_key: wrong,
        content: [{ token: wrong }],
      });

      await readLog();
      expect(detector.textOf(/^log/)).toContain('session_api_key=<redacted>');
      expect(detector.find(PLANTED)).toEqual([]);
    });

    it('planted secrets are not revealed when the provider repeats them or its URL contains them', async () => {
      const failing = await startScriptedEndpoint();
      const said = `Incorrect API key provided: ${planted('llm-key')} (${planted('extra-header')})`;
      for (const status of [401, 400, 404, 500]) {
        const id = await create(failing.url);
        await detector.listen(server, `/sockets/events/${id}?resend_mode=all`);
        failing.script([{ status, message: said, code: planted('llm-key') }]);
        await send(id, 'hello');
        await reaches(id, 'error');
        await readAll(id);
      }
      const id = await create(failing.url.replace('//', `//user:${planted('url-password')}@`));
      failing.script([{ status: 400, message: `Basic ${planted('url-password')} is wrong` }]);
      await send(id, 'hello');
      await reaches(id, 'error');
      await detector.request(server, 'GET', `/api/conversations/${id}/events/search`);
      failing.script([{ status: 400, message: said, repeat: true }]);
      const titled = await create(failing.url, true);
      await send(titled, 'hello');
      await reaches(titled, 'error');
      await readAll(titled);

      await failing.close();
      await readLog();
      await detector.readFiles(path.join(folder, 'workspace', 'conversations'));
      expect(detector.textOf(/^GET /)).toContain('http://**********@127.0.0.1');
      expect(detector.find(PLANTED)).toEqual([]);
    });
  });

  describe('over servers with other secret keys and without one', () => {
    /** The log of each server. */
    const logs: string[] = [];
    /** The credentials that each conversation has sent to the provider, and by whose server. */
    const used = { previous: [] as unknown[], created: [] as unknown[], withoutKey: [] as unknown[] };
    /** All headers sent to the provider while a server could not know the secrets. */
    const headers: Record<string, string> = {};

    let created: string;
    /** What a server without a key has stored of its conversation, and what the next one shows. */
    const unkeyed = { stored: '', shown: '' };

    const next = async (env: Record<string, string>): Promise<void> => {
      endpoint.requests.length = 0;
      server = await start(env);
    };
    const end = async (signal?: NodeJS.Signals): Promise<void> => {
      await server.end(signal);
      logs.push(server.log);
      detector.note('log', server.log);
    };
    const withKey = (name: string, former: string[]) => ({
      ...plantedEnvironment(folder, planted(name)),
      OH_PREVIOUS_SECRET_KEYS: JSON.stringify(former.map(planted)),
    });
    const finishes = async (id: string): Promise<unknown> => {
      await send(id, 'FINISH: done');
      await reaches(id, 'finished');
      return endpoint.requests.at(-1)?.headers.authorization;
    };
    const sentHeaders = () => JSON.stringify(endpoint.requests.map((request) => request.headers));

    beforeAll(async () => {
      await prepare();
      detector = new LeakDetector({ 'x-session-api-key': SESSION_KEY });
      await next(plantedEnvironment(folder, planted('previous-key')));
      const previous = await create();
      await end();

      await next(withKey('secret-key', ['previous-key']));
      used.previous.push(await finishes(previous));
      created = await create();
      await end();

      const withoutKey = { HOME: folder, LOG_LEVEL: 'debug' };
      let unstored = '';
      for (const [name, env] of [
        ['another key', plantedEnvironment(folder, planted('other-key'))],
        ['no key', withoutKey],
      ] as const) {
        await next(env);
        await send(created, 'RUN: true\nFINISH: done');
        await reaches(created, 'finished', 'error');
        await readAll(created);
        headers[name] = sentHeaders();
        if (env === withoutKey) {
          unstored = await create();
          used.withoutKey.push(await finishes(unstored));
        }
        await end();
      }
      await detector.readFiles(folder);
      unkeyed.stored = detector.textOf(metadataOf(unstored));

      await next(withoutKey);
      await send(unstored, 'FINISH: done');
      await reaches(unstored, 'finished', 'error');
      await readAll(unstored);
      unkeyed.shown = detector.textOf(new RegExp(`^GET /api/conversations/${unstored}$`));
      headers['no key again'] = sentHeaders();
      await end();

      await next(withKey('secret-key', []));
      used.previous.push(await finishes(previous));
      used.created.push(await finishes(created));
      await end('SIGUSR2');
      await detector.readFiles(folder);
    });
    afterAll(async () => {
      detector.close();
      await cleanUp();
    });

    it.each([
      ['another key', 2],
      ['no key', 3],
    ])(
      'planted secrets survive a start with %s, which sends no encrypted token to a provider',
      (name, index) => {
        expect(headers[name]).not.toMatch(/gAAAAA|PLANTED/);
        const warning = new RegExp(`${created}[^"]*no key opens [^"]*agent/llm/api_key`, 'g');
        expect(logs[index]?.match(warning)).toHaveLength(1);
        // With the first key it works again: the stored secrets were not changed.
        expect(used.created).toEqual([`Bearer ${planted('llm-key')}`]);
      },
    );

    it('planted secrets are re-encrypted with a new key when the previous key is configured', () => {
      const bearer = `Bearer ${planted('llm-key')}`;
      expect(used.previous).toEqual([bearer, bearer]);
      expect([logs[1], logs[5]].join()).not.toContain('no key opens');
    });

    it('planted secrets are not stored when the server has no secret key', () => {
      expect(used.withoutKey).toEqual([`Bearer ${planted('llm-key')}`]);
      expect(logs[3]).toContain(
        '⚠️ OH_SECRET_KEY was not defined. Secrets will not be persisted between restarts.',
      );
      expect(unkeyed.stored).toContain('"api_key":"**********"');
      expect(unkeyed.shown).toContain('"api_key":null');
      expect(headers['no key again']).not.toMatch(/PLANTED|\*{10}/);
    });

    it('planted secrets are not revealed when the server crashes, or by a server with another key', () => {
      expect(logs[5]).toMatch(/"level":"fatal".*the server crashed.*crash with \*\*\*/);
      expect(detector.find(PLANTED)).toEqual([]);
    });
  });
});
