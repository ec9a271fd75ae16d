import type { AgentSession } from './agent-session.js';

/** What works in a conversation: our own loop with a model and tools, or an agent from elsewhere. */
export interface AgentDriver {
  /** One run. Failures end in the conversation's status and an event; only a broken log makes it reject. */
  run(session: AgentSession): Promise<void>;
}
