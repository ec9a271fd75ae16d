import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Span {
  id: string;
  kind: string;
  name: string;
  detail: string;
  step: number;
  started_at: string;
  ended_at: string | null;
  duration_ms: number | null;
  derived: string[];
  event_id: string | null;
  result_event_id: string | null;
  response_id: string | null;
  usage: { prompt_tokens: number; cost: number | null } | null;
  failed: boolean;
  active: boolean;
  copied: boolean;
}
interface Timeline {
  items: Span[];
  next_page_id: string | null;
  in_progress: Span[];
  totals: { kind: string; count: number; failed: number; duration_ms: number }[];
  events: number;
}
interface Summary {
  tools: { name: string; count: number; failed: number }[];
  models: { name: string; count: number; prompt_tokens: number }[];
  points: { step: number; answers: number; prompt_tokens: number; context_tokens: number | null }[];
  files: { path: string; reads: number; writes: number; last_operation: string; last_event_id: string }[];
}

describe('the timeline of a conversation', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = path.join(server.cwd, 'work');
  });
  afterAll(() => server.stop());

  const create = (script?: string, more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(workspace, script, more));
  const timeline = async ({ route }: ConversationClient, query = ''): Promise<Timeline> => {
    const { status, body } = await server.request('GET', `${route}/timeline${query}`);
    expect(status).toBe(200);
    return body as Timeline;
  };
  const summary = async ({ route }: ConversationClient): Promise<Summary> =>
    (await server.request('GET', `${route}/timeline/summary`)).body as Summary;
  /** What happened, first to last. */
  const story = ({ items }: Timeline): string[] =>
    items.toReversed().map(({ kind, name, failed }) => `${kind} ${name}${failed ? ' failed' : ''}`);
  const total = ({ totals }: Timeline, kind: string) => totals.find((entry) => entry.kind === kind);

  it('has a span for each answer, tool call and wait, with its event, usage and duration', async () => {
    const conversation = await create('RUN: sleep 0.3\nRUN: false\nFINISH: done');
    await conversation.reaches('finished');
    await conversation.send('SAY: again');
    await eventually(async () => (await timeline(conversation)).items.length === 8, 'the second answer');
    const page = await timeline(conversation);
    expect(story(page)).toEqual([
      'model scripted/test',
      'tool terminal',
      'model scripted/test',
      'tool terminal',
      'model scripted/test',
      'tool finish',
      'person next message',
      'model scripted/test',
    ]);
    expect(page.in_progress).toMatchObject([{ kind: 'person', ended_at: null, duration_ms: null }]);
    const sleep = page.items.at(-2);
    expect(sleep?.duration_ms).toBeGreaterThan(290);
    expect(total(page, 'tool')).toMatchObject({ count: 3, failed: 0 });
    expect(total(page, 'tool')?.duration_ms).toBeGreaterThan(290);
    const events = await conversation.events();
    expect(page.events).toBe(events.length);
    const [action] = events.filter(({ kind }) => kind === 'ActionEvent');
    const [result] = events.filter(({ kind }) => kind === 'ObservationEvent');
    expect(sleep?.detail).toBe('sleep 0.3');
    expect(sleep).toMatchObject({ event_id: action?.id, result_event_id: result?.id, step: 1, derived: [] });
    const answer = page.items.at(-1);
    expect(answer).toMatchObject({ event_id: action?.id, response_id: action?.['llm_response_id'] });
    expect(answer?.usage?.prompt_tokens).toBeGreaterThan(0);
    // What each answer has used adds up to the statistics of the conversation.
    const stats = (await conversation.info())['stats'] as {
      usage_to_metrics: { agent: { accumulated_token_usage: { prompt_tokens: number } } };
    };
    const { models, points } = await summary(conversation);
    const { prompt_tokens } = stats.usage_to_metrics.agent.accumulated_token_usage;
    expect(models).toMatchObject([{ name: 'scripted/test', count: 4, prompt_tokens }]);
    expect(points.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(points.every(({ context_tokens }) => (context_tokens ?? 0) > 0)).toBe(true);
  });

  it('shows calls of one answer one after another, and marks the start that no event records', async () => {
    const conversation = await create('RUN: sleep 0.2\nAND RUN: sleep 0.2\nFINISH: done');
    await conversation.reaches('finished');
    const { items } = await timeline(conversation, '?kind=tool');
    const [, second, first] = items;
    expect(items.map(({ kind }) => kind)).toEqual(['tool', 'tool', 'tool']);
    expect([first?.derived, second?.derived]).toEqual([[], ['started_at']]);
    expect(second?.started_at).toBe(first?.ended_at);
  });

  it('shows the wait for a person who rejects, and then for the next message', async () => {
    const conversation = await create(undefined, { confirmation_policy: { kind: 'AlwaysConfirm' } });
    await conversation.post('events', userMessage('RUN: ls\nFINISH: listed', true));
    await conversation.reaches('waiting_for_confirmation');
    const [action] = await conversation.events('&kind=ActionEvent');
    const before = await timeline(conversation);
    expect(before.in_progress).toMatchObject([
      { kind: 'confirmation', name: 'terminal', event_id: action?.id, ended_at: null },
    ]);
    await conversation.post('events/respond_to_confirmation', { accept: false, reason: 'no' });
    const after = await timeline(conversation);
    expect(story(after)).toEqual(['model scripted/test', 'confirmation terminal failed']);
    expect(after.in_progress).toMatchObject([{ kind: 'person', failed: false }]);
    expect(total(after, 'tool')).toMatchObject({ count: 0, duration_ms: 0 });
  });

  it('counts the time of an answer that was given up, and of the pause after it', async () => {
    const conversation = await create('WAIT: 60\nFINISH: late');
    await conversation.reaches('running');
    await eventually(async () => {
      const [current] = (await timeline(conversation)).in_progress;
      return current?.kind === 'model' && Date.now() - Date.parse(current.started_at) > 100;
    }, 'a wait for the model');
    await conversation.post('interrupt');
    const page = await timeline(conversation);
    expect(story(page)).toEqual(['model  failed']);
    expect(page.in_progress).toMatchObject([{ kind: 'paused' }]);
    await conversation.send('FINISH: done');
    await conversation.reaches('finished');
    expect(story(await timeline(conversation)).slice(0, 3)).toEqual([
      'model  failed',
      'paused paused',
      'model scripted/test',
    ]);
  });

  it('says since when the server may have been down, and keeps tools out of that time', async () => {
    const conversation = await create('RUN: sleep 60\nFINISH: late');
    await eventually(
      async () => (await timeline(conversation)).in_progress.some(({ kind }) => kind === 'tool'),
      'the tool',
    );
    server = await server.restart('SIGKILL');
    const again = conversation.on(server);
    await again.reaches('paused');
    const page = await timeline(again);
    expect(story(page)).toEqual(['model scripted/test', 'tool terminal failed', 'down server restart']);
    const [down, tool] = page.items;
    expect(tool?.derived).toEqual(['ended_at']);
    expect(tool?.duration_ms).toBe(0);
    expect(down?.derived).toEqual(['started_at']);
    expect(down?.duration_ms).toBeGreaterThan(0);
    // The sub-second part of a run is the only time that anything but the restart has taken.
    expect(total(page, 'tool')?.duration_ms).toBe(0);
  });

  it('goes back in pages that together have each span once', async () => {
    const commands = Array.from({ length: 6 }, (_, count) => `RUN: echo ${count}\n`);
    const conversation = await create(`${commands.join('')}FINISH: done`);
    await conversation.reaches('finished');
    const all = await timeline(conversation, '?limit=1000');
    expect(all.next_page_id).toBeNull();
    const paged: Span[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page: Timeline = await timeline(conversation, `?limit=3${next && `&page_id=${next}`}`);
      paged.push(...page.items);
      next = page.next_page_id;
    }
    expect(paged).toEqual(all.items);
    expect(all.items).toHaveLength(14);
    const ids = new Set(paged.map(({ id }) => id));
    expect(ids.size).toBe(paged.length);
  });

  it('lists the files that tools have used, without those of calls that failed', async () => {
    const file = path.join(workspace, 'notes.txt');
    const call = (fields: object): string => `TOOL: file_editor ${JSON.stringify({ path: file, ...fields })}`;
    const conversation = await create(
      [
        call({ command: 'create', file_text: 'one\n' }),
        call({ command: 'view' }),
        call({ command: 'str_replace', old_str: 'one', new_str: 'two' }),
        call({ command: 'view', path: path.join(workspace, 'missing.txt') }),
        'FINISH: done',
      ].join('\n'),
    );
    await conversation.reaches('finished');
    const { files, tools } = await summary(conversation);
    const actions = await conversation.events('&kind=ActionEvent');
    expect(files).toMatchObject([
      { path: file, reads: 1, writes: 2, last_operation: 'write', last_event_id: actions[2]?.id },
    ]);
    expect(tools).toContainEqual(expect.objectContaining({ name: 'file_editor', count: 4, failed: 1 }));
  });

  it('is the same after a restart, and marks what a fork has copied', async () => {
    let conversation = await create('RUN: true\nFINISH: done');
    await conversation.reaches('finished');
    const before = await timeline(conversation);
    server = await server.restart();
    conversation = conversation.on(server);
    expect(await timeline(conversation)).toEqual(before);
    const { body } = await conversation.post('fork');
    const fork = new ConversationClient(server, (body as { id: string }).id);
    await fork.send('SAY: hello');
    await fork.reaches('finished');
    const page = await timeline(fork);
    expect(page.items.map(({ copied }) => copied)).toEqual([false, false, true, true, true, true]);
    expect(total(page, 'model')).toMatchObject({ count: 1 });
    expect((await summary(fork)).models).toMatchObject([{ count: 1 }]);
  });

  it('marks what is not on the active branch', async () => {
    const conversation = await create('SAY: one');
    await conversation.reaches('finished');
    const [question] = await conversation.events('&kind=MessageEvent');
    await conversation.post('navigate', { event_id: question?.parent_id });
    await conversation.send('SAY: two');
    await eventually(async () => (await timeline(conversation)).items.length === 3, 'the second answer');
    const { items } = await timeline(conversation, '?kind=model');
    expect(items.map(({ active }) => active)).toEqual([true, false]);
  });

  it('masks secrets in what calls are about, and in the labels of branches', async () => {
    const secret = `s3cr3t-${'x'.repeat(200)}`;
    const conversation = await create(`RUN: echo ${secret}\nFINISH: done`, {
      secrets: { TOKEN: { kind: 'StaticSecret', value: secret } },
    });
    await conversation.reaches('finished');
    const { items } = await timeline(conversation, '?kind=tool');
    expect(items.map(({ detail }) => detail)).toContain('echo <secret-hidden>');
    const [action] = await conversation.events('&kind=ActionEvent');
    await conversation.post('navigate', { event_id: action?.parent_id });
    await conversation.send('SAY: two');
    await conversation.reaches('finished');
    const { body } = await server.request('GET', `${conversation.route}/branches`);
    expect(JSON.stringify(body)).toContain('echo <secret-hidden>');
    expect(JSON.stringify([body, await timeline(conversation)])).not.toContain('s3cr3t');
  });

  it('answers 404 while its conversation is being deleted', async () => {
    const conversations = await Promise.all(Array.from({ length: 60 }, () => create()));
    // So that each log has to be read.
    for (const conversation of conversations) await conversation.send('hello', false);

    const reads = ['timeline', 'timeline/summary', 'branches', 'events/search'];
    const answers = await Promise.all(
      conversations.flatMap(({ route }) => [
        ...reads.flatMap((name) => [1, 2, 3].map(() => server.request('GET', `${route}/${name}`))),
        server.request('DELETE', route),
        ...reads.map((name) => server.request('GET', `${route}/${name}`)),
      ]),
    );
    const statuses = new Set(answers.map(({ status }) => status));
    expect([200, 404]).toEqual(expect.arrayContaining([...statuses]));
  });

  it('refuses unknown conversations, kinds and pages', async () => {
    const missing = '/api/conversations/00000000-0000-4000-8000-000000000001';
    for (const route of ['timeline', 'timeline/summary', 'branches'])
      expect((await server.request('GET', `${missing}/${route}`)).status).toBe(404);
    const conversation = await create();
    for (const query of ['kind=coffee', 'page_id=-1', 'page_id=x', 'limit=1001', 'limit=0']) {
      const { status } = await server.request('GET', `${conversation.route}/timeline?${query}`);
      expect([query, status]).toEqual([query, 422]);
    }
    const beyond = await timeline(conversation, '?page_id=999999');
    expect(beyond).toMatchObject({ items: [], next_page_id: null, in_progress: [], events: 0 });
  });
});
