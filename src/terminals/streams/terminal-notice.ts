/** What viewers of a terminal are told besides its bytes: JSON text frames of the socket. */
export type TerminalNotice =
  /** The first frame: the terminal, and the offset of the first byte that follows. */
  | { type: 'ready'; terminal: TerminalInfo; offset: number; can_type: boolean }
  /** The bytes between two offsets are not kept any more. The next byte is that of `to`. */
  | { type: 'missed'; from: number; to: number }
  | { type: 'size'; rows: number; cols: number }
  /** Everybody who is connected with the terminal. */
  | { type: 'viewers'; viewers: TerminalViewer[] }
  /** The terminal waits for a viewer that reads slowly, or goes on. */
  | { type: 'flow'; paused: boolean }
  /** Somebody has taken over the terminal of an agent, or it was given back (null). */
  | { type: 'control'; taken_over_by: string | null }
  /** After the last byte: the terminal has ended. */
  | { type: 'exit'; exit_code: number | null; signal: number | null; reason: EndReason }
  /** A frame was refused. */
  | { type: 'error'; code: string; detail: string };

/** Why a terminal has ended. `exit`: its shell has. */
export type EndReason =
  'exit' | 'closed' | 'idle' | 'key_ended' | 'conversation_deleted' | 'conversation_closed' | 'shutdown';

/** Somebody who watches a terminal. */
export interface TerminalViewer {
  /** The name of the key. */
  name: string;
  can_type: boolean;
}

/** A terminal, as the API describes it. */
export interface TerminalInfo {
  id: string;
  conversation_id: string | null;
  /** The terminal of the agent of the conversation, not one of a person. */
  agent: boolean;
  title: string | null;
  rows: number;
  cols: number;
  shell: string;
  cwd: string;
  status: 'running' | 'ended';
  exit_code: number | null;
  end_reason: EndReason | null;
  created_at: string;
  /** The name of the key that has opened it. */
  created_by: string | null;
  /** Offsets of the kept output. */
  output: { start: number; end: number };
  viewers: TerminalViewer[];
  taken_over_by: string | null;
  /** Where its WebSocket is. */
  socket: string;
}
