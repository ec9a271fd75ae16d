import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('titles', () => {
  let folder: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  const start = () =>
    ServerProcess.start({ cwd: folder, env: { OH_PERSISTENCE_DIR: path.join(folder, 'home') } });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'titles-'));
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const create = (more: Record<string, unknown> = {}, steps: EndpointStep[] = []) => {
    endpoint.script(steps);
    const llm = {
      model: 'openai/scripted',
      base_url: endpoint.url,
      api_key: 'x',
      usage_id: 'agent',
      num_retries: 1,
    };
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'work'), undefined, {
        agent: { llm, tools: [] },
        autotitle: true,
        ...more,
      }),
    );
  };
  const titled = async (conversation: ConversationClient): Promise<unknown> => {
    await eventually(async () => (await conversation.info())['title'] !== null, 'a title');
    return (await conversation.info())['title'];
  };
  /** The first request has no run beside it, so that the script is the title's alone. */
  const say = (conversation: ConversationClient, text: string) => conversation.send(text, false);

  it('asks the model for a title of the first message, and saves it', async () => {
    const conversation = await create({}, [{ say: '<think>hm\nhm</think>\n Nice\n title ' }]);
    const before = String((await conversation.info())['updated_at']);
    await say(conversation, 'please fix the bug in my parser module');
    expect(await titled(conversation)).toBe('Nice title');
    expect(String((await conversation.info())['updated_at']) > before).toBe(true);
    const [request] = endpoint.requests;
    expect(request?.body.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(JSON.stringify(request?.body.messages)).toContain('please fix the bug in my parser module');
    expect(request?.body['tools']).toBeUndefined();
    // It costs, and that is told.
    expect((await conversation.events()).at(-1)?.key).toBe('stats');
    // One title is enough.
    await say(conversation, 'another message');
    await server.end();
    server = await start();
    expect((await conversation.on(server).info())['title']).toBe('Nice title');
    expect(endpoint.requests).toHaveLength(1);
  });

  it('cuts long titles and asks in the words of the client', async () => {
    const conversation = await create({ prompt: 'Name it in {max_length}: {conversation_content}!' }, [
      { say: '😀'.repeat(60) },
    ]);
    await say(conversation, 'what is $& {max_length}?');
    expect(await titled(conversation)).toBe(`${'😀'.repeat(47)}...`);
    expect(JSON.stringify(endpoint.requests[0]?.body.messages[1])).toContain(
      'Name it in 50: what is $& {max_length}?!',
    );
  });

  it('takes the message when the model fails, and tells the log alone why', async () => {
    const conversation = await create({}, [{ status: 500, message: 'no titles today' }]);
    await say(conversation, 'FAIL1: 500\nSAY: titled');
    expect(await titled(conversation)).toBe('FAIL1: 500\nSAY: titled');
    await server.logs(
      `conversation ${conversation.id}: the model returned no title: LLMServiceUnavailableError: ` +
        'litellm.InternalServerError: InternalServerError: OpenAIException - no titles today',
    );
    expect(await conversation.events('&kind=ConversationErrorEvent')).toEqual([]);
    expect(await conversation.status()).toBe('idle');
  });

  it('leaves one error of a model that fails for title and run alike, behind the status', async () => {
    const failure = { status: 401, message: 'bad key sk-quiet-secret' };
    const conversation = await create({}, [failure, failure]);
    await conversation.send('hello there');
    await conversation.reaches('error');
    expect(await titled(conversation)).toBe('hello there');
    const events = await conversation.events();
    expect(events.map(brief).slice(-3)).toEqual([
      'execution_status=running',
      'execution_status=error',
      'ConversationErrorEvent',
    ]);
    expect(events.filter(({ kind }) => kind === 'ConversationErrorEvent')).toHaveLength(1);
  });

  it('does not hold up a run, and a slow title is not lost when the server stops', async () => {
    const conversation = await create({}, [{ hang: true }]);
    await say(conversation, `first ${'x'.repeat(60)}`);
    await eventually(() => Promise.resolve(endpoint.requests.length === 1), 'the title to be asked for');
    await conversation.send('SAY: done');
    await conversation.reaches('finished');
    expect((await conversation.info())['title']).toBeNull();
    await server.end();
    server = await start();
    expect((await conversation.on(server).info())['title']).toBe(`first ${'x'.repeat(41)}...`);
  });

  it('leaves a title that somebody gave, and makes none when it is not wanted', async () => {
    const named = await create({}, [{ say: 'by the model', wait: 1 }]);
    await say(named, 'hello');
    await server.request('PATCH', named.route, { title: 'by a person' });
    await eventually(async () => (await named.events()).at(-1)?.key === 'stats', 'the answer');
    expect((await named.info())['title']).toBe('by a person');
    const silent = await create({ autotitle: false });
    await say(silent, 'hello');
    const empty = await create();
    await say(empty, ' ');
    for (const conversation of [silent, empty]) expect((await conversation.info())['title']).toBeNull();
    expect(endpoint.requests).toHaveLength(1);
  });

  it('does not play the script of a scripted model for a title', async () => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'work'), 'FAIL: 500\nSAY: hi', { autotitle: true }),
    );
    expect(await titled(conversation)).toBe('FAIL: 500\nSAY: hi');
    await conversation.reaches('finished', 'error');
    expect((await conversation.events('&kind=ConversationErrorEvent')).length).toBeLessThan(2);
  });

  it('asks the model of a profile where the client names one', async () => {
    const titler = await startScriptedEndpoint();
    try {
      titler.script([{ say: 'By the profile' }]);
      await mkdir(path.join(folder, 'home', 'profiles'), { recursive: true });
      await writeFile(
        path.join(folder, 'home', 'profiles', 'titler.json'),
        JSON.stringify({ model: 'openai/titler', base_url: titler.url, api_key: 'x' }),
      );
      const conversation = await create({ title_llm_profile: 'titler' });
      await say(conversation, 'hello');
      expect(await titled(conversation)).toBe('By the profile');
      expect(titler.requests.map(({ body }) => body['model'])).toEqual(['titler']);
      expect(endpoint.requests).toHaveLength(0);
      expect(JSON.stringify((await conversation.info())['stats'])).toContain('"profile:titler"');
    } finally {
      await titler.close();
    }
  });

  it("takes the agent's model, and says so, where there is no such profile", async () => {
    const conversation = await create({ title_llm_profile: 'nobody' }, [{ say: 'By the agent' }]);
    await say(conversation, 'hello');
    expect(await titled(conversation)).toBe('By the agent');
    await eventually(
      () => Promise.resolve(server.log.includes("Profile 'nobody' not found")),
      'the log line',
    );
  });
});
