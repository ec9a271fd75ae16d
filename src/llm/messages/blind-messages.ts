import { textContent, type Content, type Message } from '../../events/index.js';
import { allMessages } from './all-messages.js';

const LEFT_OUT = '[An image was left out: this model takes no images.]';

/**
 * The dialogue for a model that takes no images: a note in the place of each, as providers refuse the images.
 */
export function withoutImages(messages: readonly Message[]): readonly Message[] {
  if (haveNoImages(messages)) return messages;
  return messages.map((message) =>
    hasImage(message) ? { ...message, content: message.content.flatMap(described) } : message,
  );
}

function hasImage({ content }: Message): boolean {
  return content.some(({ type }) => type === 'image');
}

const haveNoImages = allMessages((message) => !hasImage(message));

function described(block: Content): Content[] {
  return block.type === 'image' ? block.image_urls.map(() => textContent(LEFT_OUT)) : [block];
}
