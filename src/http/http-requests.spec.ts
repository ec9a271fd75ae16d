import http from 'node:http';
import { AGENT, C, E, WORKSPACE, edge } from '../../test/support/edge-fixture.js';
import { KNOWN, UNKNOWN } from '../../test/support/http-edge.js';

const IN_UTC: unknown = expect.stringMatching(/Z$/);

describe('the HTTP edge', () => {
  describe('valid requests', () => {
    it('valid requests are passed to the service with defaults', async () => {
      const answer = await edge.send('POST', C, {
        agent: AGENT,
        workspace: WORKSPACE,
        bogus: 1,
        max_iterations: '5',
      });
      expect(answer).toMatchObject({ status: 201, body: { id: KNOWN } });
      expect(edge.started).toMatchObject({
        workspace: { working_dir: '/srv/agent/proj', kind: 'LocalWorkspace' },
        conversation_id: null,
        confirmation_policy: { kind: 'NeverConfirm' },
        security_analyzer: null,
        initial_message: null,
        max_iterations: 5,
        tags: {},
      });
      expect(JSON.stringify(edge.started?.agent)).toBe(RECORDED_AGENT);
    });

    it('to create a conversation that exists are answered with 200', async () => {
      const answer = await edge.send('POST', C, {
        agent: AGENT,
        workspace: WORKSPACE,
        conversation_id: KNOWN,
      });
      expect(answer.status).toBe(200);
    });

    it('valid requests can create the agent from settings', async () => {
      await edge.send('POST', C, { agent_settings: { llm: { model: 'openai/y' } }, workspace: WORKSPACE });
      expect(edge.started?.agent).toMatchObject({
        tools: ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set'].map((name) => ({
          name,
          params: {},
        })),
        condenser: {
          llm: { model: 'openai/y', usage_id: 'condenser' },
          max_size: 240,
          keep_first: 2,
          kind: 'LLMSummarizingCondenser',
        },
        agent_context: { skills: [], current_datetime: IN_UTC },
      });
    });

    it('use the default model when the settings have none', async () => {
      await edge.send('POST', C, { agent_settings: {}, workspace: WORKSPACE });
      expect(edge.started?.agent.llm).toMatchObject({ model: 'gpt-5.6', usage_id: 'default' });
    });

    it('with an unknown profile are answered with 404', async () => {
      const answer = await edge.send('POST', C, { agent_profile_id: UNKNOWN, workspace: WORKSPACE });
      expect(answer).toMatchObject({
        status: 404,
        body: { detail: `Agent profile with id '${UNKNOWN}' not found` },
      });
    });

    it('valid requests can send messages', async () => {
      const content = [{ text: 'hi' }, { type: 'image', image_urls: ['data:image/png;base64,iVBORw0KGgo='] }];
      expect((await edge.send('POST', E, { content, run: 'yes' })).body).toEqual({ success: true });
      expect(edge.calls).toEqual([
        [
          'sendMessage',
          KNOWN,
          {
            role: 'user',
            content: [
              { cache_prompt: false, type: 'text', text: 'hi' },
              { cache_prompt: false, type: 'image', image_urls: ['data:image/png;base64,iVBORw0KGgo='] },
            ],
          },
          true,
          { key: undefined, priority: 0 },
        ],
      ]);
    });

    it('valid requests can change titles and tags', async () => {
      await edge.send('PATCH', `${C}/${KNOWN}`, { title: '  New title ', tags: { a: 'b' } });
      await edge.send('PATCH', `${C}/${KNOWN}`, {});
      expect(edge.calls).toEqual([
        ['update', KNOWN, { title: 'New title', tags: { a: 'b' } }],
        ['update', KNOWN, {}],
      ]);
    });

    it('valid requests can filter events', async () => {
      await edge.get(
        `${E}/search?kind=a.b.MessageEvent&limit=5&limit=+7&sort_order=TIMESTAMP_DESC&timestamp__lt=2026-01-02`,
      );
      expect(edge.calls).toEqual([
        [
          'searchEvents',
          KNOWN,
          expect.objectContaining({
            kind: 'MessageEvent',
            limit: 7,
            descending: true,
            timestampLt: '2026-01-02T00:00:00.000000',
          }),
        ],
      ]);
    });

    it('for single events return null fields', async () => {
      const id = '0ef3041a-f4dc-4c8b-8cd1-3e91c0cf4b89';
      const expected =
        `{"id":"${id}","timestamp":"2026-11-24T13:38:06.374775","source":"user",` +
        '"parent_id":"b0e8f2fc-abd5-48c1-b1eb-ed08e6fdd90c","llm_message":{"role":"user","content":[{"cache_prompt":false,' +
        '"type":"text","text":"hi"}],"tool_calls":null,"tool_call_id":null,"name":null,"reasoning_content":null,' +
        '"thinking_blocks":[],"responses_reasoning_item":null},"llm_response_id":null,"activated_skills":[],' +
        '"extended_content":[],"sender":null,"critic_result":null,"kind":"MessageEvent"}';
      expect((await edge.get(`${E}/${id}`)).text).toBe(expected);
      expect((await edge.get(`${E}?ids=${id}&ids=nope`)).text).toBe(`[${expected},null]`);
      expect(await getWithBody(`${edge.url}${E}`, JSON.stringify([id, 'nope']))).toBe(`[${expected},null]`);
      expect(await getWithBody(`${edge.url}${E}`, '[5]')).toContain('"loc":["body",0]');
    });
  });
});

/** `fetch` sends no body with GET. */
function getWithBody(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request(url, { method: 'GET', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject).end(body);
  });
}

/** Recorded from the original for the same request, except for floats such as `8.0`. */
const RECORDED_AGENT =
  '{"llm":{"model":"openai/x","api_key":"sk-leak","provider_connection_id":null,"auth_type":"api_key","subscription_vendor":null,"base_url":null,"api_version":null,"aws_access_key_id":null,"aws_secret_access_key":null,"aws_session_token":null,"aws_region_name":null,"aws_profile_name":null,"aws_role_name":null,"aws_session_name":null,"aws_bedrock_runtime_endpoint":null,"openrouter_site_url":"https://docs.all-hands.dev/","openrouter_app_name":"OpenHands","num_retries":5,"retry_multiplier":8,"retry_min_wait":8,"retry_max_wait":64,"timeout":300,"stream_idle_timeout":300,"max_message_chars":30000,"temperature":null,"top_p":null,"top_k":null,"max_input_tokens":null,"max_output_tokens":null,"model_canonical_name":null,"api_mode":"auto","capability_overrides":{},"extra_headers":null,"input_cost_per_token":null,"output_cost_per_token":null,"ollama_base_url":null,"stream":false,"drop_params":true,"disable_vision":null,"disable_stop_word":false,"caching_prompt":true,"log_completions":false,"log_completions_folder":"logs/completions","custom_tokenizer":null,"native_tool_calling":true,"force_string_serializer":null,"inline_image_urls":null,"reasoning_effort":"high","reasoning_summary":null,"enable_encrypted_reasoning":true,"prompt_cache_retention":"24h","extended_thinking_budget":200000,"seed":null,"usage_id":"default","litellm_extra_body":{},"is_subscription":false},"tools":[],"mcp_config":{},"filter_tools_regex":null,"include_default_tools":["FinishTool","ThinkTool"],"agent_context":null,"system_prompt":null,"system_prompt_filename":"system_prompt.j2","security_policy_filename":"security_policy.j2","system_prompt_kwargs":{"llm_security_analyzer":true},"condenser":null,"critic":null,"tool_concurrency_limit":1,"persona":null,"kind":"Agent"}';
