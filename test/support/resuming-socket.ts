import { SocketRecorder } from './conversation-client.js';
import type { ServerProcess } from './server-process.js';

/** Before it connects again (ms), as clients do. */
const PAUSE_MS = 50;

/** A socket on a conversation that connects again whenever it is closed, behind the last event it saw. */
export class ResumingSocket {
  /** The ids of the events so far, in order. */
  readonly ids: string[] = [];
  /** How often it was connected. */
  connections = 0;
  /** What must not happen: a gap, an event that comes twice or changes. */
  readonly problems: string[] = [];
  private recorder: SocketRecorder | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly server: ServerProcess,
    readonly conversationId: string,
  ) {
    this.connect();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.recorder?.socket.terminate();
  }

  private connect(): void {
    if (this.isStopped) return;
    const route = `/sockets/session/${this.conversationId}?after_seq=${this.ids.length - 1}`;
    const recorder = new SocketRecorder(this.server.socketUrl(route));
    this.recorder = recorder;
    recorder.socket.on('error', () => undefined);
    recorder.socket.on('open', () => (this.connections += 1));
    recorder.socket.on('message', () => this.see(recorder.frames.pop() ?? {}));
    recorder.socket.on('close', () => (this.timer = setTimeout(() => this.connect(), PAUSE_MS)));
  }

  private see({ type, seq, event }: Record<string, unknown>): void {
    if (type !== 'durable') return;
    const { id } = event as { id: string };
    if (seq === this.ids.length) this.ids.push(id);
    else this.problems.push(`event ${String(seq)} (${id}) where ${this.ids.length} was expected`);
  }
}
