import { rawRequest, type RawAnswer } from './raw-request.js';
import type { ServerProcess } from './server-process.js';

/** Sends a request to a file route (`download`, `archive`, ...) of the machine or of a conversation. */
export function ask(
  server: ServerProcess,
  name: string,
  query: Record<string, string>,
  headers: Record<string, string> = {},
  prefix = '/api',
): Promise<RawAnswer> {
  const path = `${prefix}/file/${name}?${new URLSearchParams(query).toString()}`;
  return rawRequest(server.url, { path, headers });
}

/** Uploads a file as clients do. */
export async function upload(
  server: ServerProcess,
  target: string,
  content: string | Buffer,
  prefix = '/api',
): Promise<{ status: number; body: unknown }> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(Buffer.from(content))]), 'upload');
  const url = `${server.url}${prefix}/file/upload?path=${encodeURIComponent(target)}`;
  const answer = await fetch(url, { method: 'POST', body: form });
  return { status: answer.status, body: await answer.json() };
}
