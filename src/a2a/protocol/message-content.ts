import { ContentTypeNotSupportedError, RequestMalformedError } from '@a2a-js/sdk/errors';
import type { Part } from '@a2a-js/sdk';
import { DEFAULT_REJECTION } from '../../conversations/index.js';
import { type Content, textContent } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import type { MessageIntent } from '../tasks/tasks.service.js';

/** Media types of images that models read. */
export const IMAGE_TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** What agents answer with. */
export const OUTPUT_TYPES: readonly string[] = ['text/plain', 'application/json'];
const MAX_PARTS = 200;
const MAX_IMAGES = 100;
/** Anthropic accepts no larger images (https://docs.anthropic.com/en/docs/build-with-claude/vision). */
const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
/** As long as in the REST API (characters). */
const MAX_REASON = 2_000;

/**
 * Reads the parts of a message.
 * @throws RequestMalformedError, ContentTypeNotSupportedError
 */
export function readIntent(parts: readonly Part[]): MessageIntent {
  if (parts.length === 0) throw new RequestMalformedError('The message has no parts.');
  if (parts.length > MAX_PARTS)
    throw new RequestMalformedError(`A message may have ${MAX_PARTS} parts, not ${parts.length}.`);
  const decision = decisionIn(parts);
  if (decision) return decision;
  const content = parts.map((part) => contentOf(part));
  const images = content.filter(({ type }) => type === 'image').length;
  if (images > MAX_IMAGES)
    throw new RequestMalformedError(`A message may have ${MAX_IMAGES} images, not ${images}.`);
  if (content.every((block) => block.type === 'text' && block.text.trim() === ''))
    throw new RequestMalformedError('The message is empty.');
  return { type: 'content', content };
}

/** A decision is a single part: the text `approve` or `reject`, or data with `decision` and `reason`. */
function decisionIn(parts: readonly Part[]): MessageIntent | undefined {
  const [part, ...others] = parts;
  if (!part?.content || others.length > 0) return undefined;
  const { content } = part;
  if (content.$case === 'text') return decision(content.value.trim().toLowerCase(), undefined);
  if (content.$case !== 'data') return undefined;
  const data: unknown = content.value;
  return isJsonObject(data) ? decision(data['decision'], data['reason']) : undefined;
}

function decision(word: unknown, reason: unknown): MessageIntent | undefined {
  if (word !== 'approve' && word !== 'reject') return undefined;
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON))
    throw new RequestMalformedError(`The reason must be a text of at most ${MAX_REASON} characters.`);
  return { type: 'decision', approves: word === 'approve', reason: reason ?? DEFAULT_REJECTION };
}

function contentOf({ content, mediaType }: Part): Content {
  switch (content?.$case) {
    case 'text':
      return textContent(content.value);
    case 'raw':
      assertImage(mediaType);
      if (content.value.length === 0 || content.value.length > MAX_IMAGE_BYTES)
        throw new RequestMalformedError(`An image must have 1 to ${MAX_IMAGE_BYTES} bytes.`);
      return image(`data:${mediaType};base64,${content.value.toString('base64')}`);
    case 'url':
      assertImage(mediaType);
      if (!/^https?:\/\//i.test(content.value))
        throw new RequestMalformedError('The URL of an image must be an http(s) URL.');
      return image(content.value);
    case 'data':
      throw new ContentTypeNotSupportedError(
        'Data are accepted only as a decision about pending actions: {"decision": "approve"} or {"decision": "reject"}.',
      );
    case undefined:
      throw new RequestMalformedError('A part of the message has no content.');
  }
}

function assertImage(mediaType: string): void {
  if (IMAGE_TYPES.includes(mediaType)) return;
  throw new ContentTypeNotSupportedError(
    `Files of the type '${mediaType.slice(0, 100)}' are not accepted, only ${IMAGE_TYPES.join(', ')}.`,
  );
}

function image(url: string): Content {
  return { cache_prompt: false, type: 'image', image_urls: [url] };
}
