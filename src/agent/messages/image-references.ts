import { textContent, type Content } from '../../events/index.js';
import { type AgentView, isUserMessage, type ViewEvent } from '../agent-view.js';

/** The tool that inspects images for models without image support. */
export const INSPECT_IMAGE = 'inspect_image_with_vision';

/**
 * The view for a model without image support that has this tool: each image of the user is replaced by a
 * text.
 */
export function withImageReferences(events: readonly ViewEvent[]): ViewEvent[] {
  const latest = events.findLastIndex(isUserMessage);
  return events.map((event, index) => {
    if (!isUserMessage(event)) return event;
    const message = event.llm_message;
    const content = replaceImages(message.content, index === latest);
    return { ...event, llm_message: { ...message, content } };
  });
}

/** The images of the user's latest message, in order. */
export function latestImages({ lastUserMessage }: Pick<AgentView, 'lastUserMessage'>): string[] {
  const content = lastUserMessage?.llm_message.content ?? [];
  return content.flatMap((block) => (block.type === 'image' ? block.image_urls : []));
}

function replaceImages(content: readonly Content[], isLatest: boolean): Content[] {
  let index = 0;
  return content.flatMap((block) => {
    if (block.type !== 'image') return [block];
    return block.image_urls.map(() => {
      if (!isLatest) return textContent('[An image was attached to this message.]');
      const at = index++;
      return textContent(
        `[Image ${at} is attached to the latest user message. Use the ${INSPECT_IMAGE} tool with image_index=${at} ` +
          'to inspect it.]',
      );
    });
  });
}
