import type { Content, Message } from '../../events/index.js';
import { modelFetch } from '../transport/model-fetch.js';

/** Bytes of one image; providers take no larger ones. */
const MAX_BYTES = 20 * 1024 * 1024;
/** Milliseconds for one image. */
const MAX_TIME = 20_000;
/** Characters of images that are kept for the next request, which shows them again. */
const KEPT = 64 * 1024 * 1024;

/** What was loaded last, as data addresses. */
const loaded = new Map<string, string>();

/**
 * Puts images in the place of their addresses, for models that load none themselves. What cannot be loaded
 * keeps its address: the provider says what it thinks of it.
 */
export async function withInlineImages(
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<Message[]> {
  return Promise.all(
    messages.map(async (message) =>
      message.content.some(hasAddress)
        ? { ...message, content: await Promise.all(message.content.map((block) => inline(block, signal))) }
        : message,
    ),
  );
}

async function inline(block: Content, signal: AbortSignal): Promise<Content> {
  if (block.type !== 'image' || !hasAddress(block)) return block;
  const image_urls = await Promise.all(
    block.image_urls.map(async (url) => (isAddress(url) ? dataAddress(url, signal) : url)),
  );
  return { ...block, image_urls };
}

function hasAddress(block: Content): boolean {
  return block.type === 'image' && block.image_urls.some(isAddress);
}

function isAddress(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

async function dataAddress(url: string, signal: AbortSignal): Promise<string> {
  const known = loaded.get(url);
  if (known !== undefined) return known;
  const image = await load(url, AbortSignal.any([signal, AbortSignal.timeout(MAX_TIME)])).catch(
    () => undefined,
  );
  signal.throwIfAborted();
  if (image === undefined) return url;
  keep(url, image);
  return image;
}

function keep(url: string, image: string): void {
  loaded.set(url, image);
  let size = 0;
  for (const kept of loaded.values()) size += kept.length;
  for (const [oldest, kept] of loaded) {
    if (size <= KEPT) return;
    loaded.delete(oldest);
    size -= kept.length;
  }
}

async function load(url: string, signal: AbortSignal): Promise<string | undefined> {
  const response = await modelFetch(url, { signal });
  const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  if (!response.ok || !type.startsWith('image/') || response.body === null) {
    await response.body?.cancel();
    return undefined;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    const bytes: unknown = chunk;
    if (!(bytes instanceof Uint8Array)) continue;
    size += bytes.byteLength;
    if (size > MAX_BYTES) return undefined;
    chunks.push(bytes);
  }
  return `data:${type};base64,${Buffer.concat(chunks).toString('base64')}`;
}
