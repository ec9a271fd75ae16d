import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { readSpans, type SeenSpan } from './otlp-spans.js';

export type { SeenSpan } from './otlp-spans.js';

/** A request that a receiver has got. */
interface SeenExport {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A receiver of traces over OTLP/HTTP in protobuf, as the OpenTelemetry Collector is one. */
export class OtlpReceiver {
  readonly exports: SeenExport[] = [];
  readonly spans: SeenSpan[] = [];
  /** `hang` never answers; a number is the status of a refusal. */
  mode: 'accept' | 'hang' | number = 'accept';

  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await receiver.up();
    return receiver;
  }

  /** Starts to listen, on its former port if it has one. */
  async up(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        const sent = Buffer.concat(chunks);
        const body = headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
        this.exports.push({ path, headers, body });
        const { mode } = this;
        if (mode === 'hang') return;
        if (mode === 'accept' && headers['content-type'] === 'application/x-protobuf')
          this.spans.push(...readSpans(body));
        response
          .writeHead(mode === 'accept' ? 200 : mode, { 'content-type': 'application/x-protobuf' })
          .end();
      });
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The variables of a server that sends to it, often. */
  get env(): Record<string, string> {
    return { OTEL_EXPORTER_OTLP_ENDPOINT: this.url, OTEL_BSP_SCHEDULE_DELAY: '50' };
  }

  named(name: string): SeenSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  childrenOf({ spanId }: SeenSpan): SeenSpan[] {
    return this.spans.filter(({ parentId }) => parentId === spanId);
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }
}
