import type * as Client from '@openhands/typescript-client';
import type * as Clients from '@openhands/typescript-client/clients';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { startMcpServer } from '../support/mcp-http.mjs';
import { startSignIn } from '../support/mcp-sign-in.mjs';
import { SubscriptionIssuer } from '../support/subscription-issuer.js';
import { TypeScriptClientFixture } from '../support/typescript-client-fixture.js';

const BYTES = Buffer.from([0, 1, 254, 255]);

describe('the TypeScript client on MCP servers, sign-ins, tools and files', () => {
  let fixture: TypeScriptClientFixture;
  let issuer: SubscriptionIssuer;

  beforeAll(async () => {
    issuer = await SubscriptionIssuer.start();
    fixture = await TypeScriptClientFixture.start({
      OPENAI_AUTH_ISSUER: issuer.url,
      OH_SECRET_KEY: 'test-key',
    });
  });
  afterAll(async () => {
    await fixture.stop();
    await issuer.stop();
  });

  describe('MCPClient', () => {
    let mcp: Clients.MCPClient;
    let real: Awaited<ReturnType<typeof startMcpServer>>;
    beforeAll(async () => {
      real = await startMcpServer();
      mcp = new fixture.clients.MCPClient(fixture.options);
    });
    afterAll(async () => {
      mcp.close();
      await real.close();
    });
    const call = (name: string, args: Record<string, unknown>) => ({ name, arguments: args });

    it('calls a tool of a server', async () => {
      const server = { type: 'shttp', url: real.url } as const;
      const answer = await mcp.testServer({ server, tool_call: call('add', { a: 20, b: 22 }) });
      expect(answer).toMatchObject({ ok: true, tool_result: { is_error: false, text: '42' } });
      expect(await mcp.testServer({ server, tool_call: call('boom', { msg: 'x' }) })).toMatchObject({
        tool_result: { is_error: true },
      });
      expect(
        await mcp.testServer({ server: { type: 'stdio', command: '/nowhere' }, timeout: 5 }),
      ).toMatchObject({ ok: false, error_kind: 'connection' });
      await expect(mcp.testServer({ server, timeout: 121 })).rejects.toMatchObject({ status: 422 });
    });

    it('signs in to a server with OAuth', async () => {
      const front = await startSignIn({ to: real.url });
      const server = { type: 'shttp', url: front.url } as const;
      await expect(mcp.startOAuth({ server })).rejects.toMatchObject({ status: 400 });
      const started = await mcp.startOAuth({
        server: { ...server, auth: { strategy: 'oauth2' } },
        tool_call: call('echo', { text: 'inside' }),
      });
      const { job_id, authorization_url } = started;
      if (!job_id || !authorization_url) throw new Error(`no sign-in: ${JSON.stringify(started)}`);
      expect(await mcp.getOAuthStatus(job_id)).toMatchObject({ status: 'authorizing' });
      const wrong = { callback_url: 'https://elsewhere.test/callback' };
      await expect(mcp.submitOAuthCallback(job_id, wrong)).rejects.toMatchObject({ status: 400 });
      const page = await fetch(authorization_url, { redirect: 'manual' });
      const callback_url = page.headers.get('location') ?? '';
      expect(await mcp.submitOAuthCallback(job_id, { callback_url })).toMatchObject({
        ...{ ok: true, status: 'succeeded' },
        tool_result: { is_error: false, text: 'inside' },
      });
      await expect(mcp.getOAuthStatus('no/such job')).rejects.toMatchObject({ status: 404 });
      await front.close();
    });
  });

  it('signs in to a ChatGPT subscription and out again', async () => {
    const models = new fixture.clients.LLMMetadataClient(fixture.options);
    expect((await models.getOpenAISubscriptionModels()).length).toBeGreaterThan(0);
    expect(await models.getOpenAISubscriptionStatus()).toMatchObject({ connected: false });
    const started = await models.startOpenAISubscriptionDeviceLogin();
    issuer.approve(started.user_code);
    expect(await models.pollOpenAISubscriptionDeviceLogin(started.device_code)).toMatchObject({
      connected: true,
    });
    await expect(models.pollOpenAISubscriptionDeviceLogin('unknown')).rejects.toMatchObject({ status: 404 });
    expect(await models.getOpenAISubscriptionStatus()).toMatchObject({ connected: true });
    expect(await models.logoutOpenAISubscription()).toMatchObject({ connected: false });
    models.close();
  });

  it('lists the tools, each of which a conversation can use', async () => {
    const tools = new fixture.clients.ToolClient(fixture.options);
    const names = await tools.listTools();
    expect(names).toEqual(
      expect.arrayContaining(['terminal', 'file_editor', 'task_tracker', 'glob', 'grep']),
    );
    const conversations = new fixture.clients.ConversationClient(fixture.options);
    for (const name of names) {
      const agent = { llm: { model: 'scripted/test' }, tools: [{ name }] };
      const made = await conversations.createConversation({
        ...{ agent, workspace: { working_dir: fixture.folder } },
      });
      expect(made.agent['tools']).toEqual([{ name, params: {} }]);
    }
    tools.close();
    conversations.close();
  });

  it('gets 404 for desktops and shared conversations, as from the original', async () => {
    const desktop = new fixture.clients.DesktopClient(fixture.options);
    await expect(desktop.getUrl()).rejects.toMatchObject({ status: 404 });
    await expect(desktop.getUrl('http://here')).rejects.toMatchObject({ status: 404 });
    const shared = new fixture.clients.SharedClient(fixture.options);
    await expect(shared.getSharedConversations(['a'])).rejects.toMatchObject({ status: 404 });
    await expect(shared.getSharedConversation('a')).rejects.toMatchObject({ status: 404 });
    await expect(shared.searchSharedEvents({ conversationId: 'a' })).rejects.toMatchObject({ status: 404 });
    desktop.close();
    shared.close();
  });

  it('uploads and downloads bytes of a workspace', async () => {
    const { workspace } = fixture;
    const files = new fixture.clients.FileClient(fixture.options);
    const file = path.join(fixture.folder, 'bytes.bin');
    const sent = await workspace.fileUpload(new Blob([BYTES]), file, 'named.bin');
    expect(sent).toMatchObject({ success: true, source_path: 'named.bin', file_size: 4 });
    expect(await readFile(file)).toEqual(BYTES);
    expect([...new Uint8Array(await files.downloadFile(file))]).toEqual([...BYTES]);
    expect(await workspace.uploadFileObject(new File(['text'], 'a.txt'), `${file}.txt`)).toMatchObject({
      ...{ success: true, source_path: 'a.txt', file_size: 4 },
    });
    expect(await workspace.fileDownload(`${file}.txt`)).toMatchObject({ content: 'text', file_size: 4 });
    expect(await (await workspace.downloadAsBlob(`${file}.txt`)).text()).toBe('text');
    expect(await files.uploadFile(new File(['more'], 'more.txt'), `${file}.more`)).toMatchObject({
      success: true,
    });
    await expect(workspace.fileDownload(`${file}.none`)).rejects.toMatchObject({ status: 404 });
    await expect(workspace.fileUpload('x', 'relative.txt')).rejects.toMatchObject({ status: 400 });
    await expect(files.uploadFile('x', '/proc/none')).rejects.toMatchObject({ status: 400 });
    workspace.close();
    files.close();
  });

  it('saves a downloaded file in a browser', async () => {
    const { workspace } = fixture;
    const file = path.join(fixture.folder, 'save me.txt');
    await workspace.uploadText('saved', file);
    const clicks: { href: string; download: string }[] = [];
    const link = { href: '', download: '', click: () => clicks.push({ ...link }) };
    const body = { appendChild: () => link, removeChild: () => link };
    Object.assign(globalThis, { document: { createElement: () => link, body } });
    await workspace.downloadAndSave(file);
    Reflect.deleteProperty(globalThis, 'document');
    expect(clicks).toMatchObject([
      { href: expect.stringMatching(/^blob:/) as unknown, download: 'save me.txt' },
    ]);
    workspace.close();
  });

  it('opens workspace files for pages that cannot send headers', async () => {
    const conversation: Client.RemoteConversation = fixture.conversation();
    await conversation.start();
    const { workspace } = fixture;
    await workspace.uploadText('shown', path.join(fixture.folder, 'page.txt'));
    const base = await workspace.startWorkspaceSession(conversation.id);
    // A browser would keep the cookie; here it is requested again.
    const headers = { 'x-session-api-key': fixture.options.apiKey };
    const session = `${fixture.server.url}/api/auth/workspace-session`;
    const started = await fetch(session, { method: 'POST', headers });
    const cookie = started.headers.get('set-cookie')?.split(';')[0] ?? '';
    const shown = await fetch(`${base}page.txt`, { headers: { cookie } });
    expect([shown.status, await shown.text()]).toEqual([200, 'shown']);
    expect((await fetch(`${base}page.txt`)).status).toBe(401);
    await workspace.deleteWorkspaceSession();
    const stranger = new fixture.client.RemoteWorkspace({
      ...{ ...fixture.options, apiKey: 'wrong', workingDir: fixture.folder },
    });
    await expect(stranger.startWorkspaceSession(conversation.id)).rejects.toMatchObject({ status: 401 });
    stranger.close();
    await conversation.close();
  });
});
