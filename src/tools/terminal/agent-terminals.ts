import type { SecretStream } from '../tool-host.js';
import type { TerminalSession } from './session/terminal-session.js';

/** The terminal of the agent of a conversation. */
export interface AnnouncedTerminal {
  conversationId: string;
  session: TerminalSession;
  /** The initial directory. */
  workingDir: string;
  /** Masks the secrets of the conversation in what the terminal shows. */
  mask(): SecretStream;
}

/** The terminals of agents, from their first use on, for whoever lets people look at them. */
export class AgentTerminals {
  private listener: ((terminal: AnnouncedTerminal) => void) | undefined;

  /** Sets who is told of each terminal. */
  setListener(listener: (terminal: AnnouncedTerminal) => void): void {
    this.listener = listener;
  }

  announce(terminal: AnnouncedTerminal): void {
    this.listener?.(terminal);
  }
}
