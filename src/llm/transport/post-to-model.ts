import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { traceHeaders } from '../../telemetry/index.js';
import { AnswerSizeLimit, yieldForLargeChunk } from './answer-limits.js';
import { modelDispatcher } from './model-fetch.js';
import { followRedirects } from './redirects.js';

/** A POST request with a JSON body. */
interface ModelRequest {
  url: string;
  /** Header names are in lower case. */
  headers: Record<string, string>;
  body: Buffer;
  signal: AbortSignal;
}

/** The response of a provider. */
export interface ModelReply {
  status: number;
  /** Header names are in lower case. */
  headers: Record<string, string>;
  /** Fails with an `LlmError` if it exceeds a limit. */
  body: AsyncIterable<Uint8Array>;
}

const DECODERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * Posts to a model: like `modelFetch`, but without web streams, which cost more than the rest of a short
 * call.
 */
export async function postToModel({ url, headers, body, signal }: ModelRequest): Promise<ModelReply> {
  const dispatcher = await modelDispatcher();
  const asked = {
    url,
    method: 'POST',
    headers: { 'user-agent': 'openhands-agent-server', accept: '*/*', ...traceHeaders(), ...headers },
    body,
  };
  const reply = await followRedirects(
    asked,
    ({ url, method, ...rest }) => {
      const { origin, pathname, search } = new URL(url);
      const isGet = method === 'GET';
      return dispatcher.request({
        origin,
        path: pathname + search,
        method: isGet ? 'GET' : 'POST',
        signal,
        ...rest,
      });
    },
    (answer) => ({
      status: answer.statusCode,
      location: lastOf(answer.headers['location']),
      discard: () => answer.body.dump(),
    }),
  );
  const told = Object.fromEntries(
    Object.entries(reply.headers).map(([name, value]) => [name, String(value ?? '')]),
  );
  const decoded = decodedBody(reply.body, told['content-encoding']);
  return { status: reply.statusCode, headers: told, body: limited(decoded, told['content-type'] ?? '') };
}

function lastOf(values: string | string[] | undefined): string | undefined {
  return Array.isArray(values) ? values.at(-1) : values;
}

/** Some proxies compress responses although no compression was requested. */
function decodedBody(body: Readable, encoding: string | undefined): Readable {
  const decoder = DECODERS[encoding?.trim().toLowerCase() ?? '']?.();
  if (!decoder) return body;
  body.once('error', (error) => decoder.destroy(error));
  decoder.once('close', () => body.destroy());
  return body.pipe(decoder);
}

async function* limited(body: Readable, type: string): AsyncGenerator<Uint8Array> {
  const bound = new AnswerSizeLimit(type);
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bound.add(chunk);
    await yieldForLargeChunk(chunk);
    yield chunk;
  }
}

/** Reads a whole body as text. */
export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return new TextDecoder().decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
}
