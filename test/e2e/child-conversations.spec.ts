import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  scriptedRequest,
  type SeenConversation,
} from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('child conversations and worktrees', () => {
  let folder: string;
  let repository: string;
  let trees: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'children-'));
    repository = path.join(folder, 'repo');
    trees = path.join(folder, 'trees');
    await mkdir(path.join(repository, 'sub'), { recursive: true });
    await writeFile(path.join(repository, 'sub/file.txt'), 'committed');
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('-c', 'user.name=n', '-c', 'user.email=e@x', 'commit', '-qm', 'first');
    // A hook of the repository must not run when the server uses git.
    const hook = path.join(repository, '.git/hooks/post-checkout');
    await writeFile(hook, `#!/bin/sh\ntouch ${folder}/hooked\n`, { mode: 0o755 });
    server = await ServerProcess.start({
      cwd: folder,
      env: { OH_CONVERSATION_WORKTREE_ROOT: trees, OH_MAX_CONCURRENT_RUNS: '3' },
    });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository }).toString();
  const create = (workspace: string, script?: string, more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(workspace, script, more));
  const exists = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );

  it('starts a child in the same workspace with the settings of its parent', async () => {
    const workspace = path.join(folder, 'plain');
    const parent = await create(workspace, undefined, {
      tags: { k: 'v' },
      secrets: { T: { kind: 'StaticSecret', value: 's' } },
      confirmation_policy: { kind: 'ConfirmRisky', threshold: 'HIGH', confirm_unknown: false },
    });
    const { status, body } = await parent.post('children', {
      task: 'SAY: child says hi',
      title: 'child',
      isolation: 'shared',
    });
    expect(status).toBe(201);
    const reply = body as { conversation_id: string };
    expect(body).toEqual({
      conversation_id: reply.conversation_id,
      parent_conversation_id: parent.id,
      status: 'idle',
      title: 'child',
      url: null,
      workspace,
      isolation: 'shared',
    });
    const started = new ConversationClient(server, reply.conversation_id);
    await started.reaches('finished');
    const info = await started.info();
    const parentInfo = await parent.info();
    expect(parentInfo['sub_conversation_ids']).toEqual([started.id]);
    expect(info).toMatchObject({
      title: 'child',
      tags: { k: 'v' },
      parent_conversation_id: parent.id,
      sub_conversation_ids: [],
      workspace: parentInfo['workspace'],
      confirmation_policy: parentInfo['confirmation_policy'],
      secret_registry: { secret_sources: { T: { kind: 'StaticSecret' } } },
    });

    server = await server.restart();
    expect((await parent.on(server).info())['sub_conversation_ids']).toEqual([started.id]);
    await server.request('DELETE', parent.route);
    // The child stays and still names its parent.
    expect((await started.on(server).info())['parent_conversation_id']).toBe(parent.id);
  });

  it('refuses invalid children', async () => {
    const parent = await create(path.join(folder, 'fresh'), 'SAY: hi');
    await parent.reaches('finished');
    expect((await parent.post('children', { task: '' })).status).toBe(422);
    const refused = await parent.post('children', { task: 'SAY: x' });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain('has no commits yet');
    const unknown = new ConversationClient(server, randomUUID());
    expect(await unknown.post('children', { task: 'x' })).toMatchObject({
      status: 404,
      body: { detail: 'Parent conversation not found' },
    });
    expect((await parent.info())['sub_conversation_ids']).toEqual([]);

    const request = (more: object) =>
      server.request('POST', '/api/conversations', { ...scriptedRequest(folder), ...more });
    const missing = randomUUID();
    expect(await request({ parent_conversation_id: missing })).toMatchObject({
      status: 422,
      body: { detail: `Parent conversation ${missing} not found` },
    });
    expect(await request({ parent_conversation_id: parent.id })).toMatchObject({
      status: 422,
      body: { detail: `Parent conversation ${parent.id} belongs to a different workspace` },
    });
  });

  it('works in a worktree with its own branch and removes it with the conversation', async () => {
    const workspace = path.join(repository, 'sub');
    const conversation = await create(workspace, 'RUN: pwd; cat file.txt\nSAY: done', { worktree: true });
    await conversation.reaches('finished');
    const info = await conversation.info();
    const root = path.join(trees, conversation.id, 'repo');
    expect(info['workspace']).toEqual({ working_dir: path.join(root, 'sub'), kind: 'LocalWorkspace' });
    const seen = JSON.stringify(await conversation.events('&kind=ObservationEvent'));
    expect(seen).toContain(path.join(root, 'sub'));
    expect(seen).toContain('committed');
    const branch = `openhands/${conversation.id}`;
    expect(git('worktree', 'list')).toContain(`[${branch}]`);
    expect(await exists(path.join(folder, 'hooked'))).toBe(false);
    const { agent_context } = info['agent'] as { agent_context: { system_message_suffix: string } };
    expect(agent_context.system_message_suffix).toContain('This conversation uses a dedicated git worktree.');
    expect(agent_context.system_message_suffix).toContain(`- Branch: ${branch}`);
    const [prompt] = await conversation.events('&kind=SystemPromptEvent');
    expect(JSON.stringify(prompt?.['dynamic_context'])).toContain(root);

    server = await server.restart();
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    expect(await exists(path.dirname(root))).toBe(false);
    // The branch with its commits is kept.
    expect(git('branch', '--list', branch)).toContain(branch);
  });

  it('keeps a worktree until the last conversation that uses it is deleted', async () => {
    const owner = await create(repository, undefined, { worktree: true });
    const root = path.join(trees, owner.id, 'repo');
    const idOf = ({ body }: { body: unknown }) => body as { id: string; conversation_id: string };
    const shared = idOf(
      await owner.post('children', { task: 'SAY: hi', isolation: 'shared' }),
    ).conversation_id;
    const fork = idOf(await owner.post('fork')).id;
    server = await server.restart();
    for (const id of [owner.id, fork]) {
      expect((await server.request('DELETE', `/api/conversations/${id}`)).status).toBe(200);
      expect(await exists(root)).toBe(true);
    }
    expect((await server.request('DELETE', `/api/conversations/${shared}`)).status).toBe(200);
    expect(await exists(path.dirname(root))).toBe(false);
    expect(git('worktree', 'list')).not.toContain(owner.id);
  });

  it('creates several worktrees concurrently, each from the requested base', async () => {
    const parent = await create(repository);
    const replies = await Promise.all([1, 2, 3].map(() => parent.post('children', { task: 'SAY: hi' })));
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(4);
    git('checkout', '-q', '-b', 'feature');
    git('-c', 'user.name=n', '-c', 'user.email=e@x', 'commit', '-q', '--allow-empty', '-m', 'second');
    const baseOf = async (worktree_options: object) => {
      const { id } = await create(repository, undefined, { worktree: true, worktree_options });
      const prefix = 'branch_prefix' in worktree_options ? worktree_options.branch_prefix : 'openhands/';
      return git('log', '-1', '--format=%s', `${String(prefix)}${id}`).trim();
    };
    expect(await baseOf({ base: 'default_branch' })).toBe('first');
    expect(await baseOf({ base: 'head' })).toBe('second');
    expect(await baseOf({ base: 'ref', ref: 'main', branch_prefix: 'mine/' })).toBe('first');
    git('checkout', '-q', 'main');
  });

  it('reports why a worktree cannot be created and leaves no conversation behind', async () => {
    const request = (workspace: string, worktree_options: object) =>
      server.request('POST', '/api/conversations', {
        ...scriptedRequest(workspace),
        worktree: true,
        worktree_options,
      });
    const before = (await server.request('GET', '/api/conversations/count')).body;
    expect(await request(repository, { base: 'ref' })).toMatchObject({
      status: 422,
      body: {
        detail: [
          {
            type: 'value_error',
            loc: ['body', 'worktree_options'],
            msg: 'Value error, A `ref` base needs a `ref`',
            input: { base: 'ref' },
          },
        ],
      },
    });
    const unknown = await request(repository, { base: 'ref', ref: 'nope' });
    expect([unknown.status, JSON.stringify(unknown.body)]).toEqual([
      422,
      expect.stringContaining("commit 'nope' does not exist"),
    ]);
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(before);
    // Outside of a repository the workspace itself is used.
    const plain = path.join(folder, 'no-repository');
    expect((await create(plain, undefined, { worktree: true })).id).toBeDefined();
  });

  it('creates a conversation once when concurrent requests name the same id', async () => {
    const conversation_id = randomUUID();
    const request = {
      ...scriptedRequest(repository, 'SAY: once'),
      conversation_id,
      worktree: true,
    };
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => server.request('POST', '/api/conversations', request)),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    const conversation = new ConversationClient(server, conversation_id);
    await conversation.reaches('finished');
    expect(await conversation.events('&kind=MessageEvent&source=user')).toHaveLength(1);
    expect(git('branch', '--list', `*${conversation_id}*`).trim().split('\n')).toHaveLength(1);
    expect((replies[0]?.body as SeenConversation)['workspace']).toEqual(
      (await conversation.info())['workspace'],
    );
  });

  it('reuses an id whose creation was interrupted by a crash and discards its log', async () => {
    const conversation_id = randomUUID();
    const left = path.join(folder, 'workspace/conversations', conversation_id.replaceAll('-', ''));
    await mkdir(left, { recursive: true });
    const event = {
      id: randomUUID(),
      timestamp: '2026-01-01T00:00:00.000000',
      source: 'user',
      kind: 'PauseEvent',
    };
    await writeFile(path.join(left, 'unfinished'), '');
    await writeFile(path.join(left, 'events.jsonl'), `${JSON.stringify(event)}\n`);
    const { status } = await server.request('GET', `/api/conversations/${conversation_id}`);
    expect(status).toBe(404);
    const conversation = await create(path.join(folder, 'plain'), 'SAY: new', { conversation_id });
    await conversation.reaches('finished');
    const [first] = await conversation.events();
    expect(first?.kind).toBe('SystemPromptEvent');
    expect(first?.parent_id).toBeUndefined();
  });

  it('counts a child against the limit of runs', async () => {
    const busy: ConversationClient[] = [];
    const request = scriptedRequest(path.join(folder, 'plain'), 'WAIT: 1000\nSAY: late');
    // The slots of earlier runs become free a moment after the runs have ended.
    await eventually(async () => {
      const { status, body } = await server.request('POST', '/api/conversations', request);
      if (status === 201) busy.push(new ConversationClient(server, (body as SeenConversation).id));
      return busy.length === 3;
    });
    const [parent] = busy;
    if (!parent) throw new Error('no parent');
    expect((await parent.post('children', { task: 'SAY: hi', isolation: 'shared' })).status).toBe(429);
    expect((await parent.info())['sub_conversation_ids']).toEqual([]);
    await Promise.all(busy.map((conversation) => conversation.post('interrupt')));
    await eventually(
      async () => (await parent.post('children', { task: 'SAY: hi', isolation: 'shared' })).status === 201,
    );
  });
});
