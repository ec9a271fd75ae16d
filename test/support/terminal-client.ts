import { WebSocket } from 'ws';
import { eventually, type ServerProcess } from './server-process.js';
import { asJson } from './settings-fixture.js';

/** A terminal as the API describes it. */
export interface ShownTerminal {
  id: string;
  socket: string;
  agent: boolean;
  status: string;
  exit_code: number | null;
  end_reason: string | null;
  taken_over_by: string | null;
  output: { start: number; end: number };
}

/** Opens a terminal. @param conversationId undefined: of the server */
export async function openTerminal(
  server: ServerProcess,
  conversationId?: string,
  fields: object = {},
  headers: Record<string, string> = {},
): Promise<ShownTerminal> {
  const base = conversationId === undefined ? '/api' : `/api/conversations/${conversationId}`;
  const { status, body } = await server.request('POST', `${base}/terminals`, fields, headers);
  if (status !== 201) throw new Error(`opening a terminal answered ${status}: ${JSON.stringify(body)}`);
  return body as ShownTerminal;
}

/** A viewer of a terminal, which collects its bytes by their offsets. */
export class TerminalClient {
  readonly notices: Record<string, unknown>[] = [];
  readonly socket: WebSocket;
  closeCode: number | undefined;
  /** Offset of the next byte. */
  offset = 0;
  private readonly chunks: Buffer[] = [];

  constructor(
    server: ServerProcess,
    { socket }: Pick<ShownTerminal, 'socket'>,
    { after, headers = {} }: { after?: number; headers?: Record<string, string> } = {},
  ) {
    const query = after === undefined ? '' : `${socket.includes('?') ? '&' : '?'}after=${after}`;
    this.socket = new WebSocket(server.socketUrl(socket + query), { headers });
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.take(data);
      else this.note(asJson(JSON.parse(data.toString())));
    });
    this.socket.on('close', (code) => (this.closeCode = code));
    this.socket.on('error', () => undefined);
  }

  /** Waits for the first frame. */
  async ready(): Promise<this> {
    await this.hears('ready');
    return this;
  }

  get text(): string {
    return this.bytes.toString();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  type(text: string): void {
    this.socket.send(Buffer.from(text), { binary: true });
  }

  say(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Waits until it has shown a text. */
  async shows(text: string | RegExp): Promise<void> {
    await eventually(
      () => (typeof text === 'string' ? this.text.includes(text) : text.test(this.text)),
      `${String(text)} in the terminal`,
    );
  }

  /** Waits for a notice. */
  async hears(type: string, fields: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const isIt = (notice: Record<string, unknown>): boolean =>
      notice['type'] === type && Object.entries(fields).every(([name, value]) => notice[name] === value);
    await eventually(() => this.notices.some(isIt), `the notice ${type}`);
    return this.notices.find(isIt) ?? {};
  }

  async closed(): Promise<number> {
    // `once` would reject for a refused handshake.
    if (this.closeCode === undefined) await new Promise((resolve) => this.socket.on('close', resolve));
    return this.closeCode ?? 0;
  }

  private take(data: Buffer): void {
    this.offset += data.length;
    this.chunks.push(data);
  }

  private note(notice: Record<string, unknown>): void {
    this.notices.push(notice);
    if (notice['type'] === 'ready') this.offset = Number(notice['offset']);
    if (notice['type'] === 'missed') this.offset = Number(notice['to']);
  }
}
