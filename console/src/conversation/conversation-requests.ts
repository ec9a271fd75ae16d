import { signal } from '@preact/signals';
import { api, call, type Schemas } from '../api/client.js';
import { WAIT_FOR_SLOT } from '../api/run-limit.js';

/** What a message consists of. */
export type MessageContent = NonNullable<Schemas['SendMessageRequest']['content']>;
/** Before which actions the agent waits for a person. */
export type ConfirmationPolicy = Schemas['SetConfirmationPolicyRequest']['policy'];

/** The requests about one conversation. Each throws an `ApiError` if it fails. */
export class ConversationRequests {
  private readonly path: { path: { conversation_id: string } };
  /** How many runs were asked for. */
  readonly asked = signal(0);

  constructor(readonly id: string) {
    this.path = { path: { conversation_id: id } };
  }

  /**
   * Sends a message.
   * @param key the same in each attempt, so that the message is stored once
   */
  send(content: MessageContent, { run, key }: { run: boolean; key: string }): Promise<unknown> {
    return this.countAsked(
      call(
        api.POST('/api/conversations/{conversation_id}/events', {
          params: { ...this.path, ...WAIT_FOR_SLOT, header: { 'Idempotency-Key': key } },
          body: { role: 'user', content, run },
        }),
      ),
    );
  }

  run(): Promise<unknown> {
    return this.countAsked(
      call(
        api.POST('/api/conversations/{conversation_id}/run', { params: { ...this.path, ...WAIT_FOR_SLOT } }),
      ),
    );
  }

  /** The place of a run that waits for a free slot; null if none does. */
  async queuedRun(): Promise<Schemas['QueuedRun'] | null> {
    const { items } = await call(api.GET('/api/run_queue'));
    return items.find((run) => run.conversation_id === this.id) ?? null;
  }

  /** Cancels the run that waits. */
  cancelQueued(): Promise<unknown> {
    return call(api.DELETE('/api/conversations/{conversation_id}/queued_run', { params: this.path }));
  }

  pause(): Promise<unknown> {
    return call(api.POST('/api/conversations/{conversation_id}/pause', { params: this.path }));
  }

  interrupt(): Promise<unknown> {
    return call(api.POST('/api/conversations/{conversation_id}/interrupt', { params: this.path }));
  }

  respond(accept: boolean, reason?: string): Promise<unknown> {
    return this.countAsked(
      call(
        api.POST('/api/conversations/{conversation_id}/events/respond_to_confirmation', {
          params: { ...this.path, ...WAIT_FOR_SLOT },
          body: reason === undefined ? { accept } : { accept, reason },
        }),
      ),
    );
  }

  private countAsked<T>(request: Promise<T>): Promise<T> {
    return request.finally(() => (this.asked.value += 1));
  }

  /** Changes fields. A budget of null removes the budget. */
  update(changes: Schemas['UpdateConversationRequest']): Promise<unknown> {
    return call(api.PATCH('/api/conversations/{conversation_id}', { params: this.path, body: changes }));
  }

  setPolicy(policy: ConfirmationPolicy): Promise<unknown> {
    return call(
      api.POST('/api/conversations/{conversation_id}/confirmation_policy', {
        params: this.path,
        body: { policy },
      }),
    );
  }

  switchLlm(llm: Schemas['LLM']): Promise<unknown> {
    return call(
      api.POST('/api/conversations/{conversation_id}/switch_llm', { params: this.path, body: { llm } }),
    );
  }

  switchProfile(name: string): Promise<unknown> {
    return call(
      api.POST('/api/conversations/{conversation_id}/switch_profile', {
        params: this.path,
        body: { profile_name: name },
      }),
    );
  }

  switchAcpModel(model: string): Promise<unknown> {
    return call(
      api.POST('/api/conversations/{conversation_id}/switch_acp_model', {
        params: this.path,
        body: { model },
      }),
    );
  }

  condense(): Promise<unknown> {
    return call(api.POST('/api/conversations/{conversation_id}/condense', { params: this.path }));
  }

  async ask(question: string): Promise<string> {
    const { response } = await call(
      api.POST('/api/conversations/{conversation_id}/ask_agent', { params: this.path, body: { question } }),
    );
    return response;
  }

  /** Makes a conversation with a copy of the history. @param eventId its last event; undefined: all */
  async fork(title: string | null, eventId?: string): Promise<string> {
    const { id } = await call(
      api.POST('/api/conversations/{conversation_id}/fork', {
        params: this.path,
        body: { title, from_event_id: eventId ?? null, reset_metrics: true },
      }),
    );
    return id;
  }

  async finalResponse(): Promise<string> {
    const { response } = await call(
      api.GET('/api/conversations/{conversation_id}/agent_final_response', { params: this.path }),
    );
    return response;
  }

  /** The newest event of a kind. */
  async lastEvent(kind: string): Promise<unknown> {
    const { items } = await call(
      api.GET('/api/conversations/{conversation_id}/events/search', {
        params: { ...this.path, query: { kind, sort_order: 'TIMESTAMP_DESC', limit: 1 } },
      }),
    );
    return items[0];
  }

  delete(): Promise<unknown> {
    return call(api.DELETE('/api/conversations/{conversation_id}', { params: this.path }));
  }
}
