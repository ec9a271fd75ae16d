import { hasChromium } from '../support/chromium.js';
import { ServerProcess } from '../support/server-process.js';

describe('the tools for agents', () => {
  let server: ServerProcess | undefined;
  afterEach(() => server?.stop());

  it('the tools for agents are listed with and without a slash at the end of the path', async () => {
    server = await ServerProcess.start();
    const listed = await server.request('GET', '/api/tools/');
    expect(listed.status).toBe(200);
    expect(listed.body).toEqual(expect.arrayContaining(['terminal', 'file_editor', 'task_tool_set']));
    expect((await server.request('GET', '/api/tools')).body).toEqual(listed.body);
    expect((await server.request('POST', '/api/tools/')).status).toBe(405);
    const catalogue = await server.request('GET', '/api/tools/catalog');
    expect(catalogue.body).toEqual({ tools: expect.any(Array) as unknown });
    const names = entries(catalogue.body).map(({ name }) => name);
    expect(names).toEqual((listed.body as string[]).concat('switch_llm'));
    expect(
      entries(catalogue.body)
        .filter((entry) => entry['in_default_set'])
        .map(({ name }) => name),
    ).toEqual(['terminal', 'file_editor', 'task_tracker', 'browser_tool_set', 'switch_llm']);
  });

  it('the tools for agents are usable when this machine has what they need', async () => {
    server = await ServerProcess.start();
    expect(await browses(server)).toBe(hasChromium());
    await server.stop();
    server = await ServerProcess.start({ env: { OH_ENABLE_BROWSER: 'false' } });
    expect(await browses(server)).toBe(false);
    const { body } = await server.request('GET', '/server_info');
    expect((body as { usable_tools: string[] }).usable_tools).not.toContain('browser_tool_set');
  });
});

async function browses(server: ServerProcess): Promise<unknown> {
  const { body } = await server.request('GET', '/api/tools/catalog');
  return entries(body).find(({ name }) => name === 'browser_tool_set')?.['usable'];
}

function entries(body: unknown): Record<string, unknown>[] {
  const { tools } = body as { tools: Record<string, unknown>[] };
  return tools;
}
