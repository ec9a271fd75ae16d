import type { ClientRequest, IncomingMessage } from 'node:http';
import { hasBody } from '../../http/index.js';

/** Larger bodies are sent once: what was read of them is not kept (bytes). */
const MAX_KEPT_BYTES = 64 * 1024;

/**
 * The body of a request that is passed on while it arrives, no faster than the receiver reads. The first
 * 64 KiB are kept, so that a small body can be sent again to another server.
 */
export class RequestBody {
  private kept: Buffer[] | undefined = [];
  private keptBytes = 0;
  private ended = false;
  /** Stops sending, so that somebody else can read the rest; idempotent. */
  stop: () => void = () => undefined;

  /** @param parsed the body, if it was read before: it is sent as it is here, whatever its length */
  constructor(
    private readonly request: IncomingMessage,
    private readonly parsed?: Buffer,
  ) {}

  /** What the length of the body has to be in the headers; undefined: as the request says. */
  get length(): number | undefined {
    return this.parsed?.length;
  }

  /** Whether everything that was read is still there, so that the request can be sent to another server. */
  get isRepeatable(): boolean {
    return this.kept !== undefined;
  }

  /** Whether nothing was read, so that this server can still serve the request itself. */
  get isUntouched(): boolean {
    return this.keptBytes === 0 && !this.ended;
  }

  /** Sends the body, from its beginning, until the request ends. */
  sendTo(sent: ClientRequest): void {
    const { request, parsed } = this;
    if (parsed) return void sent.end(parsed);
    if (!hasBody(request.headers)) return void sent.end();
    for (const chunk of this.kept ?? []) sent.write(chunk);
    if (this.ended) return void sent.end();
    const resume = (): void => void request.resume();
    const onData = (chunk: Buffer): void => {
      this.keep(chunk);
      if (!sent.write(chunk)) request.pause();
    };
    const onEnd = (): void => {
      this.ended = true;
      sent.end();
    };
    request.on('data', onData).on('end', onEnd);
    sent.on('drain', resume);
    let isSending = true;
    const stop = (): void => {
      if (!isSending) return;
      isSending = false;
      request.off('data', onData).off('end', onEnd).pause();
      sent.off('drain', resume);
    };
    this.stop = stop;
    sent.once('close', stop);
    request.resume();
    // The receiver may answer before the client sends the body, which it may be waiting to do.
    setImmediate(() => {
      if (!sent.headersSent && !sent.destroyed) sent.flushHeaders();
    });
  }

  private keep(chunk: Buffer): void {
    this.keptBytes += chunk.length;
    if (this.keptBytes > MAX_KEPT_BYTES) this.kept = undefined;
    else this.kept?.push(chunk);
  }
}
