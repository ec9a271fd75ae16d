import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createServer } from '../../src/app.setup.js';
import { AppConfig } from '../../src/config/index.js';
import { conversationIn, JsonAdapter } from '../../src/http/index.js';

const ID = '280733d3-a9e7-49d7-9ac3-c38121f6f331';

/** Routes below `conversations` that belong to none: any server answers them. */
const OF_ALL_CONVERSATIONS = ['', '/search', '/count', '/summaries', '/import', '/prepare-for-sandbox-pause'];
/** Routes of other things than conversations, by their placeholders. */
const OTHER_PLACEHOLDERS =
  // A shared conversation is read from the storage, by any server.
  /^:(automation_id|command_id|connection_id|event_id|extension_name|file_path|job_id|key|name|org_id|page|plugin_name|profile_id|run_id|secret_name|settings_key|sha|share_id|shared_id|skill_name|source|terminal_id|webhook_id)$/;

describe('the routes of the server', () => {
  let folder: string;
  let app: NestExpressApplication;
  let routes: string[];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'routes-'));
    const config = Object.assign(new AppConfig(), { base_dir: folder, session_api_keys: ['key'] });
    app = await createServer(config, false);
    await app.init();
    const adapter = app.getHttpAdapter();
    if (!(adapter instanceof JsonAdapter)) throw new Error('another adapter');
    routes = [...new Set(adapter.router.stack.flatMap(({ route }) => route?.path ?? []))];
  });
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The conversation that a request for a route belongs to. */
  const found = (route: string) => {
    const names = [...route.matchAll(/[:*](\w+)/g)].map(([, name = '']) => name);
    const params = Object.fromEntries(names.map((name) => [name, name.includes('conversation') ? ID : 'x']));
    return conversationIn({ params, path: route, headers: {} });
  };

  it('below a conversation go to the server that has it', () => {
    const below = routes.filter((route) => /^(\/api)?\/conversations(\/|$)/.test(route));
    const local = below.filter((route) => found(route) === undefined);
    const expected = ['/api/conversations', '/conversations'].flatMap((root) =>
      OF_ALL_CONVERSATIONS.map((route) => root + route),
    );
    expect(expected).toEqual(expect.arrayContaining(local));
    expect(below.length).toBeGreaterThan(80);
    expect(found('/api/file/download-trajectory/:conversation_id')).toBe(ID);
  });

  it('have known placeholders: one that names a conversation has to be one that is looked for', () => {
    const unknown = routes
      .filter((route) => found(route) === undefined)
      .flatMap((route) => route.match(/:\w+/g) ?? [])
      .filter((name) => !OTHER_PLACEHOLDERS.test(name));
    expect(unknown).toEqual([]);
  });

  it('below /v1 name the conversation in a header', () => {
    const headers = { 'x-openhands-serverconversation-id': ID };
    const gateway = routes.filter((route) => route.startsWith('/v1/'));
    expect(gateway.sort()).toEqual(['/v1/chat/completions', '/v1/models', '/v1/responses']);
    for (const route of gateway) expect(conversationIn({ params: {}, path: route, headers })).toBe(ID);
    expect(conversationIn({ params: {}, path: '/api/settings', headers })).toBeUndefined();
  });
});
