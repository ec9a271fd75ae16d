import { setTimeout as sleep } from 'node:timers/promises';
import { oneLine } from './one-line.mjs';

const REQUEST_MS = 60_000;
const POLL_MS = 200;
/** More than any honest run has. */
const MAX_EVENTS = 20_000;
const MAX_ITERATIONS = 150;
/** How long an interrupted run may take to end (ms). */
const END_MS = 30_000;
/** Codes of errors for which the service of the model is to blame, of both servers. */
const OF_THE_MODEL =
  /(Authentication|PermissionDenied|RateLimit|ServiceUnavailable|APIConnection|InternalServer|Timeout)Error$/;
const ENDED = new Set(['finished', 'error', 'stuck', 'paused', 'waiting_for_confirmation']);

/** A server by its address: our own or the original, they have the same protocol. */
export class AgentServer {
  constructor(url, key) {
    this.url = url.replace(/\/$/, '');
    this.headers = {
      'content-type': 'application/json',
      ...(key && { 'x-session-api-key': key }),
    };
  }

  /** Sends a request. @throws unless it succeeds; the message has the beginning of the answer */
  async request(method, route, body) {
    const response = await fetch(this.url + route, {
      method,
      headers: this.headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text.slice(0, 300)}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/**
 * Lets an agent work in a folder until it ends or reaches a limit.
 * @param fields further fields of the conversation, which only some servers know
 * @param limits `seconds` and `usd` of the run
 * @param signal ends the wait, and interrupts the agent
 * @param onCost is told what the run has cost so far (US dollars)
 * @throws if the model does not answer: that says nothing about the agent
 * @returns what it did; `close` deletes the conversation, which ends its programs
 */
export async function runAgent(server, { folder, prompt, llm, fields, limits, signal, onCost }) {
  const started = performance.now();
  const { id } = await server.request('POST', '/api/conversations', {
    agent: {
      kind: 'Agent',
      llm: { usage_id: 'agent', ...llm },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }, { name: 'task_tracker' }],
    },
    workspace: { kind: 'LocalWorkspace', working_dir: folder },
    initial_message: { role: 'user', content: [{ type: 'text', text: prompt }] },
    max_iterations: MAX_ITERATIONS,
    ...fields,
    autotitle: false,
  });
  const route = `/api/conversations/${id}`;
  const close = () => server.request('DELETE', route).catch(() => undefined);
  try {
    const ended = await waitForEnd(server, route, { started, limits, signal, onCost });
    const seconds = (performance.now() - started) / 1000;
    const { stats } = await server.request('GET', route);
    const events = await allEvents(server, route);
    const steps = countSteps(events);
    onCost(addUp(stats).cost);
    const error = events.findLast(({ kind }) => kind === 'ConversationErrorEvent');
    const outcome = ended === 'error' && error?.code === 'MaxBudgetReached' ? 'cost' : ended;
    assertModelAnswered(outcome, steps, error);
    const { response } = await server.request('GET', `${route}/agent_final_response`);
    return { ...{ outcome, seconds, events, close, answer: response ?? '', steps }, ...addUp(stats) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @returns the final status, or the limit that ended the run: `time` or `cost` */
async function waitForEnd(server, route, { started, limits, signal, onCost }) {
  for (;;) {
    const { execution_status: status, stats } = await server.request('GET', route);
    const { cost } = addUp(stats);
    onCost(cost);
    if (ENDED.has(status)) return status;
    const limit = limitReached(limits, performance.now() - started, cost);
    if (limit || signal.aborted) {
      await interrupt(server, route);
      signal.throwIfAborted();
      return limit;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

function limitReached({ seconds, usd }, ms, cost) {
  if (ms > seconds * 1000) return 'time';
  return usd !== undefined && cost >= usd ? 'cost' : undefined;
}

/** Waits for the end too: what still runs would change the folder during the check. */
async function interrupt(server, route) {
  await server.request('POST', `${route}/interrupt`);
  const end = performance.now() + END_MS;
  while (performance.now() < end) {
    const { execution_status: status } = await server.request('GET', route);
    if (status !== 'running') return;
    await sleep(POLL_MS);
  }
}

async function allEvents(server, route) {
  const events = [];
  let page;
  do {
    const from = page === undefined ? '' : `&page_id=${encodeURIComponent(page)}`;
    const answer = await server.request('GET', `${route}/events/search?limit=100${from}`);
    events.push(...answer.items);
    page = answer.next_page_id;
  } while (page && events.length < MAX_EVENTS);
  return events;
}

/** A model that is down, or refuses the key, would fail all tasks. */
function assertModelAnswered(outcome, steps, { code = '', detail = '' } = {}) {
  if (outcome === 'time' && steps === 0)
    throw new Error('the model gave no answer within the limit of time (--time-limit)');
  if (outcome !== 'error') return;
  if (steps === 0 || OF_THE_MODEL.test(code))
    throw new Error(`the model does not answer: ${oneLine(`${code}: ${detail}`).slice(0, 300)}`);
}

/** A step is an answer of the model: one with several calls counts once. */
function countSteps(events) {
  const answers = events.filter(
    ({ kind, source }) => source === 'agent' && (kind === 'ActionEvent' || kind === 'MessageEvent'),
  );
  return new Set(answers.map((event) => event.llm_response_id ?? event.id)).size;
}

/** Tokens and cost of all models of a conversation. */
function addUp(stats) {
  const total = { cost: 0, tokens: { prompt: 0, cached: 0, completion: 0 } };
  for (const metrics of Object.values(stats?.usage_to_metrics ?? {})) {
    const usage = metrics.accumulated_token_usage ?? {};
    total.cost += metrics.accumulated_cost ?? 0;
    total.tokens.prompt += usage.prompt_tokens ?? 0;
    total.tokens.cached += usage.cache_read_tokens ?? 0;
    total.tokens.completion += usage.completion_tokens ?? 0;
  }
  return total;
}
