import type { ContentBlock } from '@agentclientprotocol/sdk';
import type { Content, MessageEvent } from '../../events/index.js';

/** Images in messages are often `data:` URLs. */
const DATA_URL = /^data:(?<type>[\w.+-]+\/[\w.+-]+);base64,(?<data>.*)$/s;

/**
 * Converts messages for the agent: their texts, the content added by skills and hooks, and images.
 * @param takesImages whether the agent supports images; if not, they are replaced by a text
 */
export function promptBlocks(messages: readonly MessageEvent[], takesImages: boolean): ContentBlock[] {
  return messages.flatMap(({ llm_message, extended_content }) =>
    [...llm_message.content, ...extended_content].flatMap((content) => blocksOf(content, takesImages)),
  );
}

function blocksOf(content: Content, takesImages: boolean): ContentBlock[] {
  if (content.type === 'text') return content.text === '' ? [] : [{ type: 'text', text: content.text }];
  return content.image_urls.map((url) => imageBlock(url, takesImages));
}

function imageBlock(url: string, takesImages: boolean): ContentBlock {
  const { type, data } = DATA_URL.exec(url)?.groups ?? {};
  if (type === undefined || data === undefined) return { type: 'resource_link', name: 'image', uri: url };
  if (takesImages) return { type: 'image', mimeType: type, data };
  return { type: 'text', text: '(Here was an image, which this agent does not take.)' };
}
