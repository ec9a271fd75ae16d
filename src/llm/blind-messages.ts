import { textContent, type Content, type Message } from '../events/index.js';

const LEFT_OUT = '[An image was left out: this model takes no images.]';

/** The dialogue for a model that takes no images: a note in the place of each, as providers refuse the images. */
export function withoutImages(messages: readonly Message[]): Message[] {
  // Most have none, and a long dialogue is asked for at every step.
  return messages.map((message) =>
    message.content.some(isImage) ? { ...message, content: message.content.flatMap(described) } : message,
  );
}

function isImage({ type }: Content): boolean {
  return type === 'image';
}

function described(block: Content): Content[] {
  return block.type === 'image' ? block.image_urls.map(() => textContent(LEFT_OUT)) : [block];
}
