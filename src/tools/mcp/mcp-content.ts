import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { textContent, type Content } from '../../events/index.js';
import { truncateMiddle } from '../truncate.js';

type Block = CallToolResult['content'][number];

/** The maximum length of all texts of a result (characters): models are not sent longer observations. */
const MAX_TEXT = 50_000;
/** The maximum size of all images of a result (characters of base64). */
const MAX_IMAGES = 20 * 1024 * 1024;

/**
 * Converts a server's result to content for models: texts and images unchanged, resources as text with their
 * URI, and a description of anything else. The size is bounded.
 * @param mask masks secrets, before anything is truncated
 */
export function toContent(blocks: readonly Block[], mask: (text: string) => string): Content[] {
  let textLeft = MAX_TEXT;
  let imagesLeft = MAX_IMAGES;
  return blocks.flatMap((block): Content[] => {
    if (block.type === 'image') {
      imagesLeft -= block.data.length;
      if (imagesLeft < 0)
        return [textContent(`[An image (${block.mimeType}) was left out: it is too large.]`)];
      const url = `data:${block.mimeType};base64,${block.data}`;
      return [{ cache_prompt: false, type: 'image', image_urls: [url] }];
    }
    if (textLeft <= 0) return [];
    const text = truncateMiddle(mask(textOf(block)), textLeft);
    textLeft -= text.length;
    return [textContent(text)];
  });
}

function textOf(block: Exclude<Block, { type: 'image' }>): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'audio':
      return `[Audio (${block.mimeType}), ${decodedSize(block.data)} bytes, which cannot be shown.]`;
    case 'resource_link': {
      const { uri, name, description } = block;
      return `[Resource ${name}: ${uri}]${description === undefined ? '' : `\n${description}`}`;
    }
    case 'resource': {
      const { resource } = block;
      if ('text' in resource) return `[Resource ${resource.uri}]\n${resource.text}`;
      const type = resource.mimeType ?? 'binary';
      return `[Resource ${resource.uri} (${type}), ${decodedSize(resource.blob)} bytes, which cannot be shown.]`;
    }
  }
}

function decodedSize(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}
