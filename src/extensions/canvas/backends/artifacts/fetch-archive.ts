import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openInside } from '../../../installation/read-extension-file.js';
import { BackendRefusedError } from '../backend-errors.js';
import type { CanvasExtensionBackendArtifactDto } from '../backend-manifest.js';

/** Bytes of an archive. */
const MAX_BYTES = 512 * 1024 * 1024;
/** How long it may take to fetch one (ms). */
const TIMEOUT_MS = 120_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;

/**
 * Puts the archive of a back end in a file, once it is the one that the manifest means.
 * @param folder the installed extension (absolute path)
 * @param target where nothing is yet
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
    if (body === null) throw new Error('there is no body');
    return await store(Readable.fromWeb(body), target);
  } catch (error) {
    if (error instanceof BackendRefusedError) throw error;
    throw new BackendRefusedError('backend artifact download failed');
  }
}

/** Follows where it leads, as long as nobody can change it on its way. */
async function follow(address: string, signal: AbortSignal): Promise<Response> {
  let at = address;
  for (let steps = 0; steps <= MAX_REDIRECTS; steps += 1) {
    const answer = await fetch(at, { redirect: 'manual', signal });
    if (answer.ok) return answer;
    const next = REDIRECTS.has(answer.status) ? answer.headers.get('location') : null;
    await answer.body?.cancel();
    if (next === null) throw new Error(`it answers ${answer.status}`);
    at = new URL(next, at).href;
    if (!at.startsWith('https:')) throw new Error('it leads away from https');
  }
  throw new Error('it leads from one address to the next');
}

/** Writes it down; answers its digest. */
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

/** What was put there. */
export function readArchive(file: string): Readable {
  return createReadStream(file);
}
