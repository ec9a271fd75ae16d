import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fieldsOf } from '../../src/config/config-field.js';
import { AppConfig } from '../../src/config/index.js';
import { ServerProcess } from '../support/server-process.js';

interface Field {
  name: string;
  variable: string | null;
  value: unknown;
  default: unknown;
  is_default: boolean;
  source: { kind: string; name: string | null };
  description: string;
  secret: boolean;
}
interface Configuration {
  base_dir: string;
  file: { name: string; exists: boolean };
  warnings: string[];
  groups: { title: string; fields: Field[] }[];
}

const FILE = 'workspace/openhands_agent_server_config.json';
const MASK = '**********';
const KEY = 'HIDDEN-session-key';

describe('GET /api/server/configuration', () => {
  let folder: string;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    await mkdir(path.join(folder, 'workspace'));
  });
  afterEach(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (file: unknown, env: Record<string, string> = {}, args: string[] = []) => {
    await writeFile(path.join(folder, FILE), JSON.stringify(file));
    server = await ServerProcess.start({ cwd: folder, env, args });
  };
  const read = async (headers: Record<string, string> = {}): Promise<Configuration> =>
    (await server.request('GET', '/api/server/configuration', undefined, headers)).body as Configuration;
  const fieldOf = ({ groups }: Configuration, name: string): Field | undefined =>
    groups.flatMap(({ fields }) => fields).find((field) => field.name === name);

  it('says for each option which value it has and where it comes from', async () => {
    await start(
      {
        max_concurrent_runs: 3,
        lease_ttl_seconds: 45,
        telemetry: { num_retries: 7 },
        max_concurent_runs: 4,
        webhooks: [{ base_url: 'http://127.0.0.1:9/', event_buffer_size: 9 }],
      },
      {
        OH_MAX_SOCKET_SUBSCRIBERS: '17',
        OH_TELEMETRY: '{"max_queue_size": 5}',
        OH_WEBHOOKS_0_NUM_RETRIES: '2',
        OH_CONVERSATION_IDLE_TTL_SECONDS_IS_NONE: '1',
      },
    );
    const configuration = await read();
    const seen = (name: string) => {
      const { value, is_default, source } = fieldOf(configuration, name) ?? {};
      return { value, is_default, source: source && `${source.kind} ${source.name ?? ''}`.trim() };
    };
    const file = `file ${FILE}`;
    expect(seen('max_concurrent_runs')).toEqual({ value: 3, is_default: false, source: file });
    expect(seen('lease_ttl_seconds')).toEqual({ value: 45, is_default: true, source: file });
    expect(seen('max_upload_bytes')).toEqual({ value: null, is_default: true, source: 'default' });
    expect(seen('max_socket_subscribers')).toEqual({
      value: 17,
      is_default: false,
      source: 'variable OH_MAX_SOCKET_SUBSCRIBERS',
    });
    expect(seen('conversation_idle_ttl_seconds')).toEqual({
      value: null,
      is_default: false,
      source: 'variable OH_CONVERSATION_IDLE_TTL_SECONDS_IS_NONE',
    });
    expect(seen('telemetry.num_retries')).toEqual({ value: 7, is_default: false, source: file });
    expect(seen('telemetry.max_queue_size')).toEqual({
      value: 5,
      is_default: false,
      source: 'variable OH_TELEMETRY',
    });
    expect(seen('telemetry.retry_delay')).toEqual({ value: 5, is_default: true, source: 'default' });
    expect(seen('webhooks[0].event_buffer_size')).toEqual({ value: 9, is_default: false, source: file });
    expect(seen('webhooks[0].num_retries')).toMatchObject({
      value: 2,
      source: 'variable OH_WEBHOOKS_0_NUM_RETRIES',
    });
    expect(seen('host')).toEqual({ value: '127.0.0.1', is_default: false, source: 'command_line --host' });
    expect(configuration).toMatchObject({ base_dir: folder, file: { name: FILE, exists: true } });
    expect(configuration.warnings.join()).toContain('max_concurent_runs');
  });

  it('has each option once, in a group, with the description of the schema', async () => {
    await start({});
    const { groups } = await read();
    const fields = groups.flatMap((group) => group.fields);
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
    for (const { name, about, shape } of fieldsOf(AppConfig)) {
      if (shape.kind === 'section') continue;
      expect(fields.find((field) => field.name === name)).toMatchObject({
        description: about,
        variable: `OH_${name.toUpperCase()}`,
      });
    }
    expect(groups.map(({ title }) => title)).not.toContain('Other');
  });

  it('shows no part of a secret, wherever it stands', async () => {
    await start(
      {
        session_api_keys: [KEY, 'HIDDEN-second-key'],
        previous_secret_keys: ['HIDDEN-previous-key'],
        registered_marketplaces: [
          { name: 'a', source: 'https://user:HIDDEN-marketplace@example.com/a?token=HIDDEN-token' },
        ],
        github_url: 'https://HIDDEN-user@example.com',
        // A key in an option that takes none.
        workspace_path: `work/${KEY}`,
        webhooks: [
          {
            base_url: 'https://user:HIDDEN-url@example.com/hook?key=HIDDEN-query',
            secret: 'whsec_SElEREVOLXNpZ25pbmcta2V5LWJ5dGVzLTEyMw==',
            headers: { Authorization: 'Bearer HIDDEN-header', 'X-Plain': 'HIDDEN-plain' },
          },
        ],
        telemetry: { posthog_api_key: 'HIDDEN-posthog', http_token: 'HIDDEN-http', salt: 'HIDDEN-salt' },
        HIDDEN_unknown_option: 1,
      },
      {
        OH_SECRET_KEY: 'HIDDEN-secret-key',
        OH_WEB_URL: 'https://u:HIDDEN-web@example.com',
      },
    );
    expect((await server.request('GET', '/api/server/configuration')).status).toBe(401);
    const configuration = await read({ 'x-session-api-key': KEY });
    const shown = JSON.stringify(configuration.groups);
    expect(shown).not.toMatch(/HIDDEN|SElEREVO/);
    expect(fieldOf(configuration, 'secret_key')).toMatchObject({
      value: MASK,
      secret: true,
      source: { kind: 'variable', name: 'OH_SECRET_KEY' },
    });
    expect(fieldOf(configuration, 'session_api_keys')).toMatchObject({ value: [MASK, MASK] });
    expect(fieldOf(configuration, 'webhooks[0].headers')).toMatchObject({
      value: { Authorization: MASK, 'X-Plain': MASK },
    });
    expect(fieldOf(configuration, 'webhooks[0].base_url')).toMatchObject({
      value: 'https://***@example.com/hook?***',
    });
    expect(fieldOf(configuration, 'workspace_path')).toMatchObject({ value: `work/${MASK}` });
  });

  it('names the variable of a key that another variable has set', async () => {
    await start({}, { SESSION_API_KEY: KEY });
    const configuration = await read({ 'x-session-api-key': KEY });
    const source = { kind: 'variable', name: 'SESSION_API_KEY' };
    expect(fieldOf(configuration, 'session_api_keys')).toMatchObject({ value: [MASK], source });
    expect(fieldOf(configuration, 'secret_key')).toMatchObject({ value: MASK, source });
  });
});
