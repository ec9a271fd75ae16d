import { textContent, type Content, type Message } from '../../events/index.js';
import { modelFetch } from '../transport/model-fetch.js';

const OMITTED = '[An image was left out: this model takes no images.]';

/** Replaces each image by a note: providers reject images for models that do not accept them. */
export function withoutImages(messages: readonly Message[]): readonly Message[] {
  return messages.map((message) =>
    message.content.some(({ type }) => type === 'image')
      ? { ...message, content: message.content.flatMap(describeImages) }
      : message,
  );
}

function describeImages(block: Content): Content[] {
  return block.type === 'image' ? block.image_urls.map(() => textContent(OMITTED)) : [block];
}

/** The largest image that is downdownloads (bytes); providers accept no larger ones. */
const MAX_IMAGE_BYTES = 20 * 1024 * 1024;
/** Time limit for the download of one image. */
const DOWNLOAD_TIMEOUT_MS = 20_000;
/** Downdownloads images are kept for the next request of the dialogue, up to this many characters in all. */
const MAX_CACHED_CHARACTERS = 64 * 1024 * 1024;

/** Downdownloads images as `data:` URLs, by their address, oldest first. */
const downloads = new Map<string, string>();

/**
 * Downloads images and puts them into the messages, for providers that download none themselves. An image
 * cannot be downdownloads keeps its address, and the provider reports the error.
 */
export async function withInlineImages(
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<Message[]> {
  return Promise.all(
    messages.map(async (message) =>
      message.content.some(hasImageAddress)
        ? { ...message, content: await Promise.all(message.content.map((block) => inline(block, signal))) }
        : message,
    ),
  );
}

async function inline(block: Content, signal: AbortSignal): Promise<Content> {
  if (block.type !== 'image' || !hasImageAddress(block)) return block;
  const image_urls = await Promise.all(
    block.image_urls.map(async (url) => (isHttpAddress(url) ? dataUrl(url, signal) : url)),
  );
  return { ...block, image_urls };
}

function hasImageAddress(block: Content): boolean {
  return block.type === 'image' && block.image_urls.some(isHttpAddress);
}

function isHttpAddress(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

async function dataUrl(url: string, signal: AbortSignal): Promise<string> {
  const known = downloads.get(url);
  if (known !== undefined) return known;
  const image = await download(
    url,
    AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]),
  ).catch(() => undefined);
  signal.throwIfAborted();
  if (image === undefined) return url;
  store(url, image);
  return image;
}

function store(url: string, image: string): void {
  downloads.set(url, image);
  let size = 0;
  for (const stored of downloads.values()) size += stored.length;
  for (const [oldest, stored] of downloads) {
    if (size <= MAX_CACHED_CHARACTERS) return;
    downloads.delete(oldest);
    size -= stored.length;
  }
}

async function download(url: string, signal: AbortSignal): Promise<string | undefined> {
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
    if (size > MAX_IMAGE_BYTES) return undefined;
    chunks.push(bytes);
  }
  return `data:${type};base64,${Buffer.concat(chunks).toString('base64')}`;
}
