/** One block of text in a message or an observation. */
export interface TextContent {
  cache_prompt: boolean;
  type: 'text';
  text: string;
}

/** One or more images, each an `http(s)` URL or a `data:` URL. */
interface ImageContent {
  cache_prompt: boolean;
  type: 'image';
  image_urls: string[];
}

/** The content of messages and observations. */
export type Content = TextContent | ImageContent;

/** Creates a text block with the wire's key order. */
export function textContent(text: string): TextContent {
  return { cache_prompt: false, type: 'text', text };
}

/** The text of each text block; images are left out. */
export function textsOf(content: readonly Content[]): string[] {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
}

/** The text of all text blocks, joined by newlines; images are left out. */
export function plainText(content: readonly Content[]): string {
  return textsOf(content).join('\n');
}
