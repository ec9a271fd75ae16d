import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Cipher } from '../../src/crypto/index.js';
import type { JsonObject } from '../../src/json/index.js';

const START = Date.parse('2026-03-01T10:00:00Z');
/** Cannot be made: a server in which the agent goes on would run `git init` there. */
const NO_FOLDER = '/dev/null/project';

/** What differs between conversations of the original. */
export interface OriginalOptions {
  id?: string;
  status?: string;
  title?: string | null;
  /** Steps of the agent: each is an action and its observation. */
  steps?: number;
  /** The last action has no observation. */
  open?: boolean;
  /** Fields of `agent`, `agent.llm`, `base_state.json` and `meta.json`. */
  agent?: JsonObject;
  llm?: JsonObject;
  base?: JsonObject;
  meta?: JsonObject;
  workingDir?: string;
  /** Encrypts secrets as the original does. */
  secretKey?: string;
  /** Hours by which the clock of its server was ahead of UTC. */
  zoneHours?: number;
}

/** A conversation folder in the layout of the original (`openhands-agent-server` 1.58.2). */
export class OriginalConversation {
  readonly id: string;
  readonly events: JsonObject[] = [];
  private readonly zoneHours: number;

  constructor(private readonly options: OriginalOptions = {}) {
    this.id = options.id ?? randomUUID();
    this.zoneHours = options.zoneHours ?? -new Date(START).getTimezoneOffset() / 60;
    const prompt = this.add('agent', {
      system_prompt: { cache_prompt: false, type: 'text', text: 'You are an agent.' },
      tools: [],
      kind: 'SystemPromptEvent',
    });
    const message = this.add(
      'user',
      {
        llm_message: { role: 'user', content: [text('Do it.')], thinking_blocks: [] },
        activated_skills: [],
        extended_content: [],
        kind: 'MessageEvent',
      },
      prompt,
    );
    this.update('execution_status', 'running', message);
    let head = message;
    const { steps = 2, open = false, status = 'finished' } = options;
    for (let step = 0; step < steps; step += 1) {
      const isLast = step === steps - 1;
      head = this.action(head, step, isLast && !open);
      if (!isLast || !open) head = this.observation(head, step, isLast);
    }
    if (status !== 'running') this.update('execution_status', status, head);
    this.head = head;
  }

  readonly head: string;

  get hex(): string {
    return this.id.replaceAll('-', '');
  }

  fileOf(index: number): string {
    return `event-${String(index).padStart(5, '0')}-${String(this.events[index]?.['id'])}.json`;
  }

  /** Writes its folder into another one. @returns the folder */
  async write(parent: string): Promise<string> {
    const folder = path.join(parent, this.hex);
    await mkdir(path.join(folder, 'events'), { recursive: true });
    await writeFile(path.join(folder, 'meta.json'), JSON.stringify(this.meta()));
    await writeFile(path.join(folder, 'base_state.json'), JSON.stringify(this.base()));
    for (const [index, event] of this.events.entries())
      await writeFile(path.join(folder, 'events', this.fileOf(index)), JSON.stringify(event));
    await writeFile(path.join(folder, 'events/.eventlog.lock'), '');
    return folder;
  }

  meta(): JsonObject {
    const { title = null, workingDir = NO_FOLDER, meta } = this.options;
    return {
      workspace: { working_dir: workingDir, kind: 'LocalWorkspace' },
      confirmation_policy: { kind: 'AlwaysConfirm' },
      initial_message: null,
      secrets: {},
      tool_module_qualnames: { terminal: 'openhands.tools.terminal.definition' },
      client_tools: [],
      tags: {},
      autotitle: false,
      ...{ id: this.hex, title, created_at: utc(0), updated_at: utc(this.events.length) },
      ...meta,
    };
  }

  base(): JsonObject {
    const { status = 'finished', workingDir = NO_FOLDER, agent, llm, base } = this.options;
    return {
      id: this.id,
      agent: {
        llm: {
          model: 'scripted/test',
          api_key: this.sealed('sk-of-the-original'),
          usage_id: 'agent',
          ...llm,
        },
        tools: [{ name: 'terminal', params: {} }],
        include_default_tools: ['FinishTool', 'ThinkTool'],
        kind: 'Agent',
        ...agent,
      },
      workspace: { working_dir: workingDir, kind: 'LocalWorkspace' },
      persistence_dir: `workspace/conversations/${this.hex}`,
      max_iterations: 50,
      stuck_detection: true,
      execution_status: status,
      confirmation_policy: { kind: 'NeverConfirm' },
      leaf_event_id: this.head,
      last_user_message_id: this.events[1]?.['id'],
      head_is_empty: false,
      stats: { usage_to_metrics: { agent: METRICS } },
      secret_registry: { secret_sources: {} },
      ...{ tags: {}, agent_state: {} },
      ...base,
    };
  }

  /** A secret as it is stored. */
  sealed(secret: string): string {
    const { secretKey } = this.options;
    return secretKey === undefined ? '**********' : new Cipher(secretKey).encrypt(secret);
  }

  private action(parent: string, step: number, finishes: boolean): string {
    const [tool, args] = finishes
      ? ['finish', { message: 'All done.' }]
      : ['terminal', { command: `echo ${step}` }];
    return this.add(
      'agent',
      {
        ...{ thought: [], thinking_blocks: [] },
        action: { ...args, kind: finishes ? 'FinishAction' : 'TerminalAction' },
        ...{ tool_name: tool, tool_call_id: `call_${step}` },
        tool_call: { id: `call_${step}`, name: tool, arguments: JSON.stringify(args), origin: 'completion' },
        llm_response_id: `answer_${step}`,
        security_risk: 'LOW',
        kind: 'ActionEvent',
      },
      parent,
    );
  }

  private observation(action: string, step: number, finishes: boolean): string {
    return this.add(
      'environment',
      {
        ...{ tool_name: finishes ? 'finish' : 'terminal', tool_call_id: `call_${step}` },
        observation: {
          content: [text(finishes ? 'All done.' : `output ${step}`)],
          is_error: false,
          kind: finishes ? 'FinishObservation' : 'TerminalObservation',
        },
        ...{ action_id: action, extended_content: [] },
        kind: 'ObservationEvent',
      },
      action,
    );
  }

  /** Adds the change of a field. */
  update(key: string, value: unknown, parent: string): void {
    this.add('environment', { key, value, kind: 'ConversationStateUpdateEvent' }, parent);
  }

  /** Appends an event. @returns its id */
  add(source: string, fields: JsonObject, parent?: string): string {
    const id = randomUUID();
    const local = new Date(START + this.events.length * 1000 + this.zoneHours * 3_600_000).toISOString();
    const timestamp = `${local.slice(0, 19)}.000500`;
    this.events.push({
      id,
      timestamp,
      source,
      ...(parent !== undefined && { parent_id: parent }),
      ...fields,
    });
    return id;
  }
}

const METRICS = {
  model_name: 'scripted/test',
  accumulated_cost: 0.25,
  accumulated_token_usage: { model: 'scripted/test', prompt_tokens: 4000, completion_tokens: 160 },
  costs: [{ model: 'scripted/test', cost: 0.25, timestamp: START / 1000 }],
};

function text(content: string): JsonObject {
  return { cache_prompt: false, type: 'text', text: content };
}

function utc(seconds: number): string {
  return `${new Date(START + seconds * 1000).toISOString().slice(0, 19)}.000000Z`;
}
