import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openInside } from '../../../installation/read-extension-file.js';
import { BackendRefusedError } from '../backend-errors.js';
import type { CanvasExtensionBackendArtifactDto } from '../backend-manifest.js';

/** Largest archive (bytes). */
const MAX_BYTES = 512 * 1024 * 1024;
/** Timeout of a download (ms). */
const TIMEOUT_MS = 120_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;

/**
 * Copies or downloads the archive of a back end and verifies its digest.
 * @param folder the installed extension (absolute path)
 * @param target new file
 * @throws BackendRefusedError
 */
export async function fetchArchive(
  artifact: CanvasExtensionBackendArtifactDto,
  folder: string,
  target: string,
): Promise<void> {
  const digest =
    artifact.url === null
      ? await store(await openLocalArchive(folder, artifact.path), target)
      : await download(artifact.url, target);
  if (digest !== artifact.sha256)
    throw new BackendRefusedError('backend artifact checksum does not match manifest');
}

async function openLocalArchive(folder: string, place: string): Promise<Readable> {
  try {
    const handle = await openInside(folder, place);
    return handle.createReadStream();
  } catch {
    throw new BackendRefusedError('backend artifact is not a contained regular file');
  }
}

async function download(address: string, target: string): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const { body } = await follow(address, signal);
    if (body === null) throw new Error('the response has no body');
    return await store(Readable.fromWeb(body), target);
  } catch (error) {
    if (error instanceof BackendRefusedError) throw error;
    throw new BackendRefusedError('backend artifact download failed');
  }
}

/** Follows redirects, but only over HTTPS. */
async function follow(address: string, signal: AbortSignal): Promise<Response> {
  let at = address;
  for (let steps = 0; steps <= MAX_REDIRECTS; steps += 1) {
    const answer = await fetch(at, { redirect: 'manual', signal });
    if (answer.ok) return answer;
    const next = REDIRECTS.has(answer.status) ? answer.headers.get('location') : null;
    await answer.body?.cancel();
    if (next === null) throw new Error(`unexpected status ${answer.status}`);
    at = new URL(next, at).href;
    if (!at.startsWith('https:')) throw new Error('redirect to a URL without https');
  }
  throw new Error('too many redirects');
}

/** Writes the archive and returns its digest. */
async function store(source: Readable, target: string): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > MAX_BYTES)
        done(new BackendRefusedError(`backend artifact has more than ${MAX_BYTES} bytes`));
      else done(null, chunk);
    },
  });
  await pipeline(source, counted, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
  return hash.digest('hex');
}

/** Opens a fetched archive. */
export function readArchive(file: string): Readable {
  return createReadStream(file);
}
