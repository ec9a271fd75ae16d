import { createHash, randomUUID } from 'node:crypto';
import { scriptedRequest, SocketRecorder } from '../support/conversation-client.js';
import { OWN_KEYS_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY, Tenant } from '../support/tenants.js';

/** Operations of the document that name a conversation in their path. */
interface Operation {
  method: string;
  route: string;
}

describe('for a key that reaches its own conversations only', () => {
  let server: ServerProcess;
  let owner: Tenant;
  let other: Tenant;
  let admin: Tenant;
  let id: string;

  beforeAll(async () => {
    server = await ServerProcess.start({
      key: ADMIN_KEY,
      env: { SESSION_API_KEY: ADMIN_KEY, ...OWN_KEYS_SANDBOX, OH_OWN_KEYS_LLM_PROFILES_0: 'shared' },
    });

    // With the widest scope: what it is refused, it is refused for its reach.
    other = await Tenant.make(server, 'other', 'admin');
    owner = await Tenant.make(server, 'owner');
    admin = Tenant.admin(server);
    const llm = { model: 'scripted/shared', api_key: 'the key of the profile' };
    await admin.json('POST', '/api/profiles/shared', { llm, include_secrets: true });
    id = (await owner.json<{ id: string }>('POST', '/api/conversations', scriptedRequest('work', 'SAY: hi')))
      .id;
  });
  afterAll(() => server.stop());

  async function operations(): Promise<Operation[]> {
    const document = await admin.json<{ paths: Record<string, Record<string, unknown>> }>(
      'GET',
      '/openapi.json',
    );
    return Object.entries(document.paths).flatMap(([route, methods]) =>
      route.includes('conversation_id}') ? Object.keys(methods).map((method) => ({ method, route })) : [],
    );
  }

  it('every operation on a conversation of another key is answered as for an unknown id', async () => {
    const all = await operations();
    expect(all.length).toBeGreaterThan(60);
    const unknown = randomUUID();
    for (const { method, route } of all) {
      const answers: unknown[] = [];
      for (const target of [id, unknown]) {
        const path = route
          .replace(/\{(runtime_)?conversation_id\}/g, target)
          .replaceAll('{event_id}', unknown)
          .replaceAll(/\{[^}]*\}/g, 'x');
        const body = ['post', 'put', 'patch'].includes(method) ? {} : undefined;
        const { status, text, headers } = await other.ask(method.toUpperCase(), path, body);
        answers.push([status, text.replaceAll(target, 'ID'), headers.get('content-type')]);
      }
      expect([route, method, answers[0]]).toEqual([route, method, answers[1]]);
      const [status] = answers[0] as [number];
      // 403: for no key of this reach.
      if (status !== 403) expect([route, method, status]).toEqual([route, method, 404]);
    }
    // Nothing has happened to it.
    expect(await owner.json('GET', `/api/conversations/${id}`)).toMatchObject({ id });
  }, 120_000);

  it('a path that names a conversation of its own, too, tells nothing of another one', async () => {
    const own = await other.json<{ id: string }>('POST', '/api/conversations', scriptedRequest('work'));
    const answers: unknown[] = [];
    for (const target of [id, randomUUID()]) {
      const path = `/api/conversations/${target}/file/download-trajectory/${own.id}`;
      const { status, text } = await other.ask('GET', path);
      answers.push([status, text.replaceAll(target, 'ID')]);
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it('sockets of a conversation of another key close as for an unknown id', async () => {
    for (const kind of ['events', 'session']) {
      const seen: unknown[] = [];
      for (const target of [id, randomUUID()]) {
        const socket = other.socket(`/sockets/${kind}/${target}`);
        await eventually(() => socket.closeCode !== undefined, 'the close');
        seen.push([socket.closeCode, socket.frames]);
      }
      expect(seen[0]).toEqual(seen[1]);
      expect(seen[0]).toEqual([4004, []]);
    }
  });

  it('ids of other keys cannot be used for new conversations, forks and children', async () => {
    const request = scriptedRequest('work');
    const taken = await other.ask('POST', '/api/conversations', { ...request, conversation_id: id });
    expect([taken.status, taken.text]).toEqual([409, expect.stringContaining('already exists')]);
    expect(taken.text).not.toContain('workspace');
    const unknown = randomUUID();
    const answers = await Promise.all(
      [id, unknown].map((parent) =>
        other.ask('POST', '/api/conversations', { ...request, parent_conversation_id: parent }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([422, 422]);
    expect(answers[0]?.text.replaceAll(id, 'ID')).toBe(answers[1]?.text.replaceAll(unknown, 'ID'));
  });

  it('the same idempotency key means another conversation than for another key', async () => {
    const headers = { 'idempotency-key': 'the first one' };
    const [one, two, again] = await Promise.all(
      [owner, other, owner].map(async (tenant) => {
        const { text } = await tenant.ask(
          'POST',
          '/api/conversations',
          scriptedRequest('idempotent'),
          headers,
        );
        return (JSON.parse(text) as { id: string }).id;
      }),
    );
    expect(one).toBe(again);
    expect(two).not.toBe(one);
  });

  it('an idempotency key that somebody has guessed leads nobody into a conversation of theirs', async () => {
    const headers = { 'idempotency-key': 'an order' };
    const hex = createHash('sha256').update('conversation an order').digest('hex');
    const guessed = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    await other.json('POST', '/api/conversations', { ...scriptedRequest('work'), conversation_id: guessed });
    const { status } = await admin.ask('POST', '/api/conversations', scriptedRequest('work'), headers);
    expect(status).toBe(409);
  });

  it('LLM profiles that it may not use are in no list', async () => {
    await admin.json('POST', '/api/profiles/private', { llm: { model: 'scripted/private' } });
    expect(await owner.json('GET', '/api/profiles')).toEqual({
      profiles: [expect.objectContaining({ name: 'shared' })],
      active_profile: null,
    });
    expect(await owner.json('GET', '/v1/models')).toMatchObject({ data: [{ id: 'openhands_shared' }] });
  });

  it('the key of an LLM profile that it may use is sent to no address of a request', async () => {
    const agent_settings = {
      verification: { critic_enabled: true, critic_server_url: 'http://127.0.0.1:9' },
    };
    const request = {
      ...scriptedRequest('work'),
      agent: null,
      llm_profile_ref: 'shared',
    };
    const { status, text } = await owner.ask('POST', '/api/conversations', { ...request, agent_settings });
    expect([status, text]).toEqual([403, expect.stringContaining('critic')]);
    const verification = { ...agent_settings.verification, critic_api_key: 'its own' };
    await owner.json('POST', '/api/conversations', { ...request, agent_settings: { verification } });
  });

  it('sub-agents are those of its requests only', async () => {
    const task = (subagent_type: string): string =>
      `TOOL: task ${JSON.stringify({ prompt: 'FINISH: done', subagent_type })}`;
    const file = String.raw`printf -- '---\nname: filed\ndescription: x\n---\nhi\n' > .agents/agents/filed.md`;
    const steps = [`RUN: mkdir -p .agents/agents && ${file}`, ...['filed', 'given'].map(task), 'FINISH: end'];
    const made = await owner.json<{ id: string }>(
      'POST',
      '/api/conversations',
      scriptedRequest('sub-agents', steps.join('\n'), {
        agent: {
          llm: { model: 'scripted/test', usage_id: 'agent' },
          tools: [{ name: 'terminal' }, { name: 'task_tool_set' }],
        },
        agent_definitions: [{ name: 'given', description: 'x' }],
      }),
    );
    const route = `/api/conversations/${made.id}`;
    await eventually(async () => {
      const { execution_status } = await owner.json<{ execution_status: string }>('GET', route);
      return execution_status === 'finished';
    }, 'the end of the run');
    const { text } = await owner.ask('GET', `${route}/events/search?kind=ObservationEvent`);
    expect(text).toContain("Unknown agent 'filed'");
    expect(text).toContain('"status":"completed"');
  });

  it('the server looks up no credential for it', async () => {
    const body = { url: 'http://127.0.0.1:9', headers: {} };
    const route = `/api/conversations/${id}/credential-bindings/CODEX_AUTH_JSON`;
    expect((await owner.ask('PUT', route, body)).status).toBe(403);
  });

  it('routes for the whole machine are refused', async () => {
    for (const [method, route, body] of [
      ['POST', '/api/bash/execute_bash_command', { command: 'id' }],
      ['GET', '/api/file/download?path=/etc/passwd', undefined],
      ['GET', '/api/git/changes?path=/', undefined],
      ['GET', '/api/settings', undefined],
      ['GET', '/api/settings/secrets', undefined],
      ['GET', '/api/keys', undefined],
      ['GET', '/api/audit', undefined],
      ['GET', '/api/webhooks', undefined],
      ['GET', '/metrics', undefined],
      ['GET', '/api/server/log', undefined],
    ] as const)
      expect([route, (await other.ask(method, route, body)).status]).toEqual([route, 403]);
  });

  it('working directories are inside the folder of the key, whatever they are called', async () => {
    const root = (await owner.json<{ workspace: { working_dir: string } }>('GET', `/api/conversations/${id}`))
      .workspace.working_dir;
    expect(root).toBe(`${server.cwd}/workspace/keys/${owner.keyId}/work`);
    for (const folder of [
      '/tmp',
      '../x',
      `../${other.keyId}`,
      `${server.cwd}/workspace`,
      '/proc/self/cwd',
      '',
    ]) {
      const { status, text } = await owner.ask('POST', '/api/conversations', scriptedRequest(folder));
      expect([folder, status]).toEqual([folder, 422]);
      expect(text).toContain('working_dir');
    }
    // A link that an agent has made leads nowhere either.
    const command = { command: 'ln -s /tmp outside && ln -s . here' };
    await owner.json('POST', `/api/conversations/${id}/bash/execute_bash_command`, command);
    expect((await owner.ask('POST', '/api/conversations', scriptedRequest('work/outside/x'))).status).toBe(
      422,
    );
    expect((await owner.ask('POST', '/api/conversations', scriptedRequest('work/here/x'))).status).toBe(201);
    const download = `/api/conversations/${id}/file/download?path=${root}/outside/../etc/passwd`;
    expect((await owner.ask('GET', download)).status).toBeGreaterThanOrEqual(400);
  });

  it('what belongs to the user who runs the server may not be used', async () => {
    const request = scriptedRequest('work');
    const llm = { model: 'openai/gpt-4o', usage_id: 'agent', base_url: 'http://127.0.0.1:9' };
    const { agent } = request;
    const lookup = { kind: 'LookupSecret', url: 'http://169.254.169.254/' };
    for (const [refused, more] of [
      ['api_key', { agent: { ...agent, llm } }],
      [
        'fallback',
        { agent: { ...agent, llm: { ...llm, api_key: 'k', fallback_strategy: { fallback_llms: ['x'] } } } },
      ],
      ['LLM profile', { agent: null, agent_settings: {}, llm_profile_ref: 'fast' }],
      ['Agent profiles', { agent: null, agent_profile_id: randomUUID() }],
      ['LLM profile', { title_llm_profile: 'fast' }],
      ['Plugins', { plugins: [{ source: '/etc' }] }],
      ['Worktrees', { worktree: true }],
      ['Prompt files', { agent: { ...agent, system_prompt_filename: '/etc/passwd' } }],
      ['looks up', { secrets: { A: lookup } }],
      ['looks up', { agent: { ...agent, agent_context: { secrets: { A: lookup } } } }],
      ['api_key', { agent: { ...agent, llm: { ...llm, api_key: '**********' } } }],
    ] as const) {
      const { status, text } = await owner.ask('POST', '/api/conversations', { ...request, ...more });
      expect([refused, status, text]).toEqual([refused, 403, expect.stringContaining(refused)]);
    }
  });

  it('forks and children of the administrator belong to whom the conversation belongs', async () => {
    const fork = await admin.json<{ id: string }>('POST', `/api/conversations/${id}/fork`, {});
    expect(await owner.json('GET', `/api/conversations/${fork.id}`)).toMatchObject({ id: fork.id });
    expect((await other.ask('GET', `/api/conversations/${fork.id}`)).status).toBe(404);
  });
});

describe('places at sockets', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({
      key: ADMIN_KEY,
      env: {
        SESSION_API_KEY: ADMIN_KEY,
        OH_SECRET_KEY: 'a secret key',
        OH_OWN_KEYS_SANDBOX: 'off',
        OH_MAX_SOCKET_SUBSCRIBERS: '2',
      },
    });
  });
  afterAll(() => server.stop());

  it('that one key takes are not those of others', async () => {
    const tenant = await Tenant.make(server, 'tenant');
    const feed = '/sockets/conversations';
    const sockets = Array.from({ length: 6 }, () => tenant.socket(feed));
    const isDecided = ({ frames, closeCode }: SocketRecorder): boolean =>
      frames.length > 0 || closeCode === 1013;
    await eventually(() => sockets.every(isDecided), 'the sockets of the tenant');
    const admin = Tenant.admin(server).socket(feed);
    await eventually(() => admin.frames.length > 0, 'the socket of the administrator');
    for (const { socket } of [...sockets, admin]) socket.terminate();
  });

  it('of a conversation are not all for people with links', async () => {
    const admin = Tenant.admin(server);
    const { id } = await admin.json<{ id: string }>('POST', '/api/conversations', scriptedRequest('work'));
    const { token } = await admin.json<{ token: string }>('POST', `/api/conversations/${id}/shares`, {});
    const open = () =>
      new SocketRecorder(server.socketUrl(`/sockets/shared/${id}?after_seq=-1&share_token=${token}`));
    const first = open();
    await eventually(() => first.frames.length > 0, 'the first guest');
    const second = open();
    await eventually(() => second.closeCode === 1013, 'the close of the second guest');
    const own = admin.socket(`/sockets/session/${id}`);
    await eventually(() => own.frames.length > 0, 'the socket of the administrator');
    for (const { socket } of [first, own]) socket.terminate();
  });
});
