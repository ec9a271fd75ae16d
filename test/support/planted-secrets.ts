import path from 'node:path';

/** A secret that must never be revealed. Its name says in which field it was sent. */
export const planted = (name: string): string => `PLANTED-${name}-0123456789`;
export const PLANTED = /PLANTED-[\w-]+/;
/** Part of a command in a message: clients see messages unchanged. */
export const IN_COMMAND = 'TYPED-into-a-command';
export const SESSION_KEY = planted('session-key');

export const WEBHOOK = {
  base_url: `http://user:${planted('webhook-userinfo')}@127.0.0.1:9/hook`,
  headers: { Authorization: `Bearer ${planted('webhook-header')}` },
  num_retries: 0,
};

/** Preloaded into the server: SIGUSR2 crashes it. There is no other way to crash it on purpose. */
const CRASH = `process.on("SIGUSR2", () => setImmediate(() => { throw new Error("crash with ${planted('llm-key')}") }))`;

export function plantedEnvironment(folder: string, secretKey?: string): Record<string, string> {
  return {
    HOME: path.join(folder, 'home'),
    SESSION_API_KEY: SESSION_KEY,
    ...(secretKey === undefined ? {} : { OH_SECRET_KEY: secretKey }),
    OH_PREVIOUS_SECRET_KEYS: JSON.stringify([planted('previous-key')]),
    OH_WEBHOOKS: JSON.stringify([WEBHOOK]),
    LOG_LEVEL: 'debug',
    DEBUG: '1',
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(CRASH)}`,
  };
}

/** A create request with a secret in every place that takes one. */
export function plantedRequest(folder: string, baseUrl: string) {
  const llm = (name: string) => ({
    model: 'openai/some-model',
    base_url: baseUrl,
    api_key: planted(name),
    num_retries: 1,
  });
  return {
    agent: {
      llm: {
        ...llm('llm-key'),
        aws_access_key_id: planted('aws-id'),
        aws_secret_access_key: planted('aws-key'),
        aws_session_token: planted('aws-token'),
        extra_headers: { 'X-Api-Key': planted('extra-header'), 'X-Innocent': planted('innocent-header') },
        litellm_extra_body: { api_key: planted('extra-body') },
        log_completions: true,
        usage_id: 'agent',
      },
      condenser: { kind: 'LLMSummarizingCondenser', llm: llm('condenser-key') },
      agent_context: {
        secrets: {
          CONTEXT: planted('context-secret'),
          CONTEXT_LOOKUP: {
            kind: 'LookupSecret',
            url: `http://user:${planted('context-lookup-url')}@127.0.0.1:9/`,
            headers: { 'X-Innocent': planted('context-lookup-header') },
          },
        },
      },
      mcp_config: {
        local: { command: 'true', env: { PLAIN_NAME: planted('mcp-env') } },
        web: {
          url: `http://user:${planted('mcp-url')}@127.0.0.1:9/`,
          headers: { 'X-Plain': planted('mcp-header') },
        },
        basic: {
          url: 'http://127.0.0.1:9/',
          auth: { strategy: 'basic', username: 'user', password: planted('mcp-password') },
        },
        header: {
          url: 'http://127.0.0.1:9/',
          auth: { strategy: 'header', headers: { 'X-Innocent': planted('mcp-auth-header') } },
        },
        oauth: {
          url: 'http://127.0.0.1:9/',
          auth: {
            strategy: 'oauth2',
            authentication: { type: 'oauth', client_secret: planted('mcp-client-secret') },
            state: {
              tokens: { access_token: planted('mcp-access'), id_token: planted('mcp-id-token') },
              client_info: { registration_access_token: planted('mcp-registration') },
            },
          },
        },
      },
      tools: [{ name: 'terminal' }],
    },
    security_analyzer: { kind: 'GraySwanAnalyzer', api_key: planted('analyzer-key') },
    secrets: {
      STATIC: { kind: 'StaticSecret', value: planted('static-secret') },
      LOOKUP: {
        kind: 'LookupSecret',
        url: `http://user:${planted('lookup-url')}@127.0.0.1:9/`,
        headers: {
          Authorization: planted('lookup-header'),
          'X-Innocent': planted('innocent-lookup-header'),
        },
      },
    },
    workspace: { working_dir: path.join(folder, 'project') },
    // A title is one more request to the model. Tests that need one ask for it.
    autotitle: false,
  };
}

/** Invalid requests whose error answers could repeat what was sent. */
export function invalidRequests(valid: ReturnType<typeof plantedRequest>): unknown[] {
  const withLlm = (llm: unknown) => ({ ...valid, agent: { ...valid.agent, llm } });
  const secret = planted('in-a-mistake');
  return [
    withLlm({ ...valid.agent.llm, api_key: [secret] }),
    withLlm({ ...valid.agent.llm, api_key: { deep: { deeper: secret } } }),
    withLlm({ ...valid.agent.llm, num_retries: -1 }),
    withLlm({ ...valid.agent.llm, model: undefined }),
    withLlm({ ...valid.agent.llm, extra_headers: { Authorization: [secret] } }),
    withLlm({ ...valid.agent.llm, extra_headers: secret }),
    { ...valid, secrets: { A: secret } },
    { ...valid, secrets: { A: { kind: 'StaticSecret', value: [secret] } } },
    { ...valid, secrets: { A: { kind: 'Nope', value: secret } } },
    { ...valid, secrets: { A: { kind: 'LookupSecret', headers: { Authorization: secret } } } },
    { ...valid, secrets: secret },
    { ...valid, agent: { ...valid.agent, mcp_config: { a: secret } } },
    { ...valid, agent: { ...valid.agent, agent_context: { secrets: [secret] } } },
    { ...valid, agent: { ...valid.agent, tools: 'x' } },
    { ...valid, agent: { ...valid.agent, kind: 'Nope' } },
    { ...valid, workspace: undefined },
    { agent_settings: { llm: { ...valid.agent.llm, timeout: 'x' } }, workspace: valid.workspace },
    { agent_profile_id: 'x', ...valid },
    [valid],
    `{"agent": {"llm": {"api_key": "${secret}"`,
    `{"api_key": "${secret}" "x"}`,
    secret,
  ];
}
