import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { ConfigError, effectiveConfig, loadConfig, type Environment } from './index.js';

describe('loadConfig', () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(path.join(os.tmpdir(), 'config-'));
  });
  afterEach(() => rm(cwd, { recursive: true }));

  async function withFile(content: unknown, env: Environment = {}) {
    await mkdir(path.join(cwd, 'workspace'), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(path.join(cwd, 'workspace', 'openhands_agent_server_config.json'), text);
    return loadConfig({ env, cwd }).config;
  }

  function withEnv(env: Environment) {
    return loadConfig({ env, cwd }).config;
  }

  function mistakes(attempt: () => unknown): string[] {
    try {
      attempt();
    } catch (error) {
      if (error instanceof ConfigError) return error.message.split('\n');
      throw error;
    }
    return [];
  }

  it('warns of unknown fields and variables, with the name that was probably meant', async () => {
    await withFile({
      $schema: 'x',
      session_api_key: 'k',
      max_concurent_runs: 4,
      colour: 'red',
      'a\nb': 1,
      telemetry: { exportr: 'none', exporter: 'none' },
      webhooks: [
        { base_url: 'http://a.example' },
        { base_url: 'http://a.example', header: {}, headers: { 'X-Mine': '1' } },
      ],
    });
    const env = {
      OH_VSCODE_PRT: '9',
      OH_WEBHOOKS_1_NUM_RETRYS: '1',
      OH_NOTHING_LIKE_THAT: '1',
      OH_UNSET: undefined,
      PATH: '/bin',
    };
    const file = 'workspace/openhands_agent_server_config.json';
    expect(loadConfig({ env, cwd }).warnings).toEqual([
      `unknown field max_concurent_runs (${file}) has no effect: did you mean max_concurrent_runs?`,
      `unknown field colour (${file}) has no effect`,
      `unknown field "a\\nb" (${file}) has no effect`,
      `unknown field telemetry.exportr (${file}) has no effect: did you mean exporter?`,
      `unknown field webhooks[1].header (${file}) has no effect: did you mean headers?`,
      'unknown variable OH_NOTHING_LIKE_THAT has no effect',
      'unknown variable OH_VSCODE_PRT has no effect: did you mean OH_VSCODE_PORT?',
      'unknown variable OH_WEBHOOKS_1_NUM_RETRYS has no effect: did you mean OH_WEBHOOKS_1_NUM_RETRIES?',
    ]);
  });

  it('names unknown fields together with the mistakes that they may have caused', async () => {
    await expect(withFile({ webhooks: [{ baseurl: 'http://a.example' }] })).rejects.toMatchObject({
      problems: [{ path: 'webhooks[0]' }],
      warnings: [expect.stringMatching(/^unknown field webhooks\[0\]\.baseurl .* did you mean base_url\?$/)],
    });
  });

  it('does not warn of variables that the original or another part of the server reads', () => {
    const env = {
      OH_SECRET_KEY: 'key',
      OH_SESSION_API_KEYS_0: 'key',
      OH_SESSION_API_KEY: 'key',
      OH_PERSISTENCE_DIR: '/tmp',
      OH_TELEMETRY_CONSENT: 'denied',
      OH_INTERNAL_SERVER_URL: 'http://localhost',
      OH_WEBHOOKS: '1',
      OH_WEBHOOKS_0_BASE_URL: 'http://a.example',
      OH_WEBHOOKS_0_HEADERS: '{}',
      OH_CONVERSATION_IDLE_TTL_SECONDS_IS_NONE: '1',
    };
    expect(loadConfig({ env, cwd }).warnings).toEqual([]);
  });

  it('refuses settings of containers that could not work or would give agents the machine', () => {
    const refused = (env: Record<string, string>): string[] => {
      try {
        loadConfig({ env: { OH_CONVERSATION_RUNTIME: 'docker', ...env }, cwd });
        return [];
      } catch (error) {
        return error instanceof ConfigError ? error.problems.map(({ path }) => path) : [String(error)];
      }
    };
    expect(refused({})).toEqual([]);
    expect(refused({ OH_DATABASE_URL: 'postgres://u:p@h/d' })).toEqual(['database_url']);
    expect(refused({ OH_CONVERSATION_ENGINE: 'tcp://engine.example:2375' })).toEqual(['conversation_engine']);
    expect(refused({ OH_CONVERSATION_ENGINE: 'unix:///run/podman.sock' })).toEqual([]);
    for (const network of ['host', 'container:other'])
      expect(refused({ OH_CONVERSATION_CONTAINER_NETWORK: network })).toEqual([
        'conversation_container_network',
      ]);
    expect(refused({ OH_CONVERSATION_CONTAINER_MEMORY: 'much' })).toEqual(['conversation_container_memory']);
    for (const mount of ['/', '/var/run/docker.sock', '/srv/engine.sock:/a', 'relative', '/proc/1:/one'])
      expect(refused({ OH_CONVERSATION_CONTAINER_MOUNTS_0: mount })).toEqual([
        'conversation_container_mounts[0]',
      ]);
    expect(refused({ OH_CONVERSATION_CONTAINER_MOUNTS_0: '/opt/tools:/tools' })).toEqual([]);
    expect(refused({ OH_CONVERSATION_CONTAINER_WORKSPACES_0: '/' })).toEqual([
      'conversation_container_workspaces[0]',
    ]);
    // Without containers nothing of this matters.
    expect(refused({ OH_CONVERSATION_RUNTIME: 'local', OH_CONVERSATION_CONTAINER_NETWORK: 'host' })).toEqual(
      [],
    );
  });

  it('limits the number and the length of warnings about unknown names', async () => {
    const names = Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(5000)}${index}`, 1]);
    await withFile(Object.fromEntries(names));
    const { warnings } = loadConfig({ env: {}, cwd });
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)).toBe('480 more unknown names');
    expect(Math.max(...warnings.map((line) => line.length))).toBeLessThan(200);
  });

  it('uses the documented defaults without a file and environment', () => {
    const { config, file, variables } = loadConfig({ env: {}, cwd });
    expect(file).toMatchObject({ name: 'workspace/openhands_agent_server_config.json', exists: false });
    expect(variables).toEqual([]);
    expect(config).toMatchObject({
      session_api_keys: [],
      secret_key: null,
      conversations_path: 'workspace/conversations',
      max_concurrent_runs: 10,
      max_socket_subscribers: 1000,
      lease_ttl_seconds: 45,
      conversation_idle_ttl_seconds: 1200,
      telemetry: { exporter: 'none', flush_delay: 30 },
    });
    expect(config.paths.conversations).toBe(path.join(cwd, 'workspace/conversations'));
  });

  it('reads keys from key files', async () => {
    await writeFile(path.join(cwd, 'secret'), '\n sekret \n');
    await writeFile(path.join(cwd, 'session'), 'session\r\n');
    const env = { OH_SECRET_KEY_FILE: path.join(cwd, 'secret'), SESSION_API_KEY_FILE: 'session' };
    const { config, variables } = loadConfig({ env, cwd });
    expect(config).toMatchObject({ secret_key: 'sekret', session_api_keys: ['session'] });
    expect(variables).toEqual(['OH_SECRET_KEY_FILE', 'SESSION_API_KEY_FILE']);
    expect(withEnv({ OH_SECRET_KEY_FILE: ' ', OH_SECRET_KEY: 'k' }).secret_key).toBe('k');
    expect(withEnv({ OH_SECRET_KEY_FILE: 'secret', OH_SECRET_KEY: '' }).secret_key).toBe('sekret');
    await writeFile(path.join(cwd, 'database'), 'postgres://agent:pass@db/agents\n');
    expect(withEnv({ OH_DATABASE_URL_FILE: 'database', OH_CLUSTER_KEY_FILE: 'secret' })).toMatchObject({
      database_url: 'postgres://agent:pass@db/agents',
      cluster_key: 'sekret',
    });
  });

  it('reports a problem of a key file without its content', async () => {
    await writeFile(path.join(cwd, 'empty'), ' \n');
    await writeFile(path.join(cwd, 'two'), 'marked-1\nmarked-2\n');
    const said = (file: string, more: Environment = {}) =>
      mistakes(() => withEnv({ SESSION_API_KEY_FILE: file, ...more }));
    expect(said('nowhere')).toEqual([
      'SESSION_API_KEY_FILE: expected a readable file, got no such file (nowhere)',
    ]);
    expect(said('.')).toEqual(['SESSION_API_KEY_FILE: expected a readable file, got a folder (.)']);
    expect(said('empty')).toEqual([
      'SESSION_API_KEY_FILE: expected a file with a key in it, got an empty one (empty)',
    ]);
    expect(said('two')).toEqual([
      'SESSION_API_KEY_FILE: expected a file with one key in it, got several lines (two)',
    ]);
    expect(said('two', { SESSION_API_KEY: 'marked-3' })).toEqual([
      'SESSION_API_KEY_FILE: expected only one of SESSION_API_KEY and SESSION_API_KEY_FILE, got both (two)',
    ]);
  });

  it('reads names of shell variables as a list or separated by commas, replacing those of the file', async () => {
    expect(withEnv({ OH_SHELL_ENVIRONMENT: ' CI , AWS_*,' }).shell_environment).toEqual(['CI', 'AWS_*']);
    expect(withEnv({ OH_SHELL_ENVIRONMENT: '["CI"]' }).shell_environment).toEqual(['CI']);
    expect(withEnv({ OH_SHELL_ENVIRONMENT_0: 'CI' }).shell_environment).toEqual(['CI']);
    const file = { shell_environment: ['NPM_*', 'A_TOKEN'] };
    expect((await withFile(file)).shell_environment).toEqual(['NPM_*', 'A_TOKEN']);
    expect((await withFile(file, { OH_SHELL_ENVIRONMENT: 'CI' })).shell_environment).toEqual(['CI']);
    expect((await withFile(file, { OH_SHELL_ENVIRONMENT: '' })).shell_environment).toEqual([]);
    expect(effectiveConfig(withEnv({ OH_SHELL_ENVIRONMENT: 'CI' }))).toMatchObject({
      shell_environment: ['CI'],
    });
  });

  it.each([
    ['A B', 'a name of an environment variable'],
    ['A=1', 'a name of an environment variable'],
    ['1A', 'a name of an environment variable'],
    ['AWS_[A-Z]', 'a name of an environment variable'],
    ['^CI$', 'a name of an environment variable'],
    ['OH_SECRET_KEY', "a variable that is not the server's own"],
    ['OH_*', "a variable that is not the server's own"],
    ['SESSION_API_KEY*', "a variable that is not the server's own"],
    ['OPENHANDS_AGENT_SERVER_CONFIG_PATH', "a variable that is not the server's own"],
  ])('refuses %j as a variable for shells', async (name, expected) => {
    const [line = '', ...more] = mistakes(() => withEnv({ OH_SHELL_ENVIRONMENT: `CI,${name}` }));
    expect(more).toEqual([]);
    expect(line).toMatch(/^shell_environment\[1\]: expected .*\(OH_SHELL_ENVIRONMENT\)$/);
    expect(line).toContain(expected);
    await expect(withFile({ shell_environment: [name] })).rejects.toThrow(expected);
  });

  it.each([
    ['a string', 'CI'],
    [3, [3]],
    ['an empty string', ['']],
  ])('refuses %j in the list of variables for shells of a file', async (_found, shell_environment) => {
    await expect(withFile({ shell_environment })).rejects.toThrow(/^shell_environment.*: expected/);
  });

  it('reads the older names of options in the file', async () => {
    const config = await withFile({
      session_api_key: 'key',
      allow_cors_origins: ['https://a.example'],
      webhooks: [
        { webhook_url: 'https://b.example/events', method: 'PUT', headers: { Authorization: 'Bearer x' } },
      ],
      unknown_option: true,
      paths: 'not an option',
    });
    expect(config.session_api_keys).toEqual(['key']);
    expect(config.webhooks).toEqual([
      expect.objectContaining({
        webhook_url: 'https://b.example/events',
        base_url: null,
        method: 'PUT',
        event_buffer_size: 10,
        retry_delay: 5,
      }),
    ]);
  });

  it('reads the current names of options from the file that the environment names', async () => {
    await writeFile(
      path.join(cwd, 'other.json'),
      '{"session_api_keys":["a","b",""],"webhooks":[{"base_url":"http://c"}]}',
    );
    const config = withEnv({ OPENHANDS_AGENT_SERVER_CONFIG_PATH: 'other.json' });
    expect(config.session_api_keys).toEqual(['a', 'b']);
    expect(config.webhooks[0]).toMatchObject({ base_url: 'http://c', event_buffer_size: 5 });
  });

  it('gives the environment precedence, item by item', async () => {
    const file = {
      session_api_keys: ['a'],
      conversation_idle_ttl_seconds: 7,
      telemetry: { exporter: 'http', flush_delay: 2 },
      webhooks: [{ base_url: 'http://one', num_retries: 9 }],
    };
    const config = await withFile(file, {
      OH_SESSION_API_KEYS: '3',
      OH_SESSION_API_KEYS_1: 'b',
      OH_SESSION_API_KEYS_2: 'c',
      OH_CONVERSATION_IDLE_TTL_SECONDS_IS_NONE: '1',
      OH_TELEMETRY: '{"max_queue_size":5}',
      OH_TELEMETRY_FLUSH_DELAY: '0.5',
      OH_WEBHOOKS_0_BASE_URL: 'http://two',
      OH_WEBHOOKS_1: '{"base_url":"http://three"}',
      OH_WEBHOOKS_1_HEADERS: '{"X-A":"b"}',
      OH_ENABLE_VSCODE: 'no',
      OH_MAX_SOCKET_SUBSCRIBERS: '50',
      OH_DEFERRED_INIT: 'TRUE',
      OH_ALLOW_CORS_ORIGINS: '["https://x"]',
      OH_ALLOW_CORS_ORIGINS_1: 'https://y',
    });
    expect(config).toMatchObject({
      session_api_keys: ['a', 'b', 'c'],
      conversation_idle_ttl_seconds: null,
      telemetry: { exporter: 'http', max_queue_size: 5, flush_delay: 0.5 },
      enable_vscode: false,
      max_socket_subscribers: 50,
      deferred_init: true,
      allow_cors_origins: ['https://x', 'https://y'],
    });
    expect(config.webhooks).toMatchObject([
      { base_url: 'http://two', num_retries: 9 },
      { base_url: 'http://three', headers: { 'X-A': 'b' } },
    ]);
  });

  it.each<[Environment, string[], string | null]>([
    [{ SESSION_API_KEY: 's' }, ['s'], 's'],
    [{ SESSION_API_KEY: 's', OH_SECRET_KEY: 'k' }, ['s'], 'k'],
    [{ OH_SESSION_API_KEYS_0: 'o' }, ['o'], 'o'],
    [{ OH_SECRET_KEY: '', SESSION_API_KEY: '' }, [], null],
    [{ OH_SESSION_API_KEYS_0: '', SESSION_API_KEY: 's' }, ['s'], 's'],
  ])('takes the keys from %j', (env, sessionKeys, secretKey) => {
    const config = withEnv(env);
    expect(config.session_api_keys).toEqual(sessionKeys);
    expect(config.secret_key).toBe(secretKey);
  });

  it('rejects blank keys that would open the server', () => {
    expect(mistakes(() => withEnv({ OH_SESSION_API_KEYS_0: '' }))).toEqual([
      'session_api_keys[0]: expected a key (leave the option out to run without keys), got an empty string (OH_SESSION_API_KEYS_0)',
    ]);
  });

  it('reports all mistakes, each with its path, the expected value and its source', async () => {
    const file = {
      session_api_keys: ['a', 5],
      max_concurrent_runs: 0,
      conversations_path: '',
      allow_cors_origin_regex: '(',
      webhooks: [{ num_retries: -1, base_url: 'ftp://x' }, {}, 'text'],
      telemetry: { flush_delay: 0 },
    };
    await withFile(file).catch(() => undefined);
    const env = {
      OH_CONVERSATION_RUNTIME: 'dcoker',
      OH_VSCODE_PORT: 'many',
      OH_SERVER_URL: 'http://agent-1:8000/base',
      OH_ENABLE_BROWSER: 'yes',
      OH_SECRET_KEY: 'do-not-print',
      OH_PREVIOUS_SECRET_KEYS: 'do-not-print',
    };
    const name = 'workspace/openhands_agent_server_config.json';
    expect(mistakes(() => withEnv(env)).sort()).toEqual(
      [
        'previous_secret_keys: expected a JSON list, or its length with OH_PREVIOUS_SECRET_KEYS_0 and so on, got a string (OH_PREVIOUS_SECRET_KEYS)',
        'vscode_port: expected a whole number from 1 to 65535, got "many" (OH_VSCODE_PORT)',
        'server_url: expected an http:// or https:// URL of a host and a port only, got "http://agent-1:8000/base" (OH_SERVER_URL)',
        'enable_browser: expected 1, true, 0 or false, got "yes" (OH_ENABLE_BROWSER)',
        'conversation_runtime: expected one of "local", "docker", got "dcoker" (OH_CONVERSATION_RUNTIME)',
        `session_api_keys[1]: expected a string, got a number (${name})`,
        `max_concurrent_runs: expected a whole number of at least 1, got 0 (${name})`,
        `conversations_path: expected a non-empty string, got an empty string (${name})`,
        `allow_cors_origin_regex: expected a regular expression, got "(" (${name})`,
        `webhooks[0].base_url: expected an http:// or https:// URL, got "ftp://x" (${name})`,
        `webhooks[0].num_retries: expected a whole number of at least 0, got -1 (${name})`,
        `webhooks[1]: expected a base_url, got none (${name})`,
        `webhooks[2]: expected an object, got "text" (${name})`,
        `telemetry.flush_delay: expected a number greater than 0, got 0 (${name})`,
      ].sort(),
    );
  });

  it.each([
    ['[]', 'expected a JSON object, got a list'],
    ['{"session_api_key": "hidden" "x": 1}', 'expected valid JSON, got "Expected'],
    ['{\n"session_api_key": hidden}', 'expected valid JSON, got "Unexpected token'],
  ])('refuses the file %j without quoting it', async (content, start) => {
    await withFile(content).catch(() => undefined);
    const [line, ...more] = mistakes(() => withEnv({}));
    expect(more).toEqual([]);
    expect(line).toContain(start);
    expect(line).not.toContain('hidden');
  });

  it('rejects a folder in place of the file', () => {
    expect(mistakes(() => withEnv({ OPENHANDS_AGENT_SERVER_CONFIG_PATH: '.' }))).toEqual([
      'expected a readable file, got a folder (.)',
    ]);
  });

  it('shows the effective configuration without secrets', () => {
    const config = withEnv({
      OH_SECRET_KEY: 'marked-1',
      SESSION_API_KEY: 'marked-2',
      OH_WEBHOOKS: '[{"base_url":"http://x","headers":{"Authorization":"marked-3"}}]',
      OH_TELEMETRY_HTTP_TOKEN: 'marked-4',
    });
    const shown = effectiveConfig(config);
    expect(JSON.stringify(shown)).not.toContain('marked');
    expect(shown).toMatchObject({ session_api_keys: ['**********'], max_concurrent_runs: 10 });
  });

  it('never crashes, whatever the environment contains', () => {
    const variable = fc.constantFrom(
      ...[
        'SESSION_API_KEYS',
        'SESSION_API_KEYS_0',
        'WEBHOOKS',
        'WEBHOOKS_0',
        'WEBHOOKS_0_HEADERS',
        'TELEMETRY',
      ],
      ...[
        'VSCODE_PORT',
        'SECRET_KEY',
        'ENABLE_VSCODE',
        'REGISTERED_MARKETPLACES_0_AUTO_LOAD',
        'WEB_URL_IS_NONE',
      ],
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('0', '1', '9', 'true', 'null', '[null]', '[[]]'),
    );
    fc.assert(
      fc.property(fc.dictionary(variable, text), (settings) => {
        const env = Object.fromEntries(
          Object.entries(settings).map(([name, value]) => [`OH_${name}`, value]),
        );
        mistakes(() => withEnv(env));
      }),
    );
  });
});
