import { InvalidRequestError } from '../../../errors/index.js';
import type { Content } from '../../../events/index.js';
import type { NewMessage } from '../../state/start-request.js';
import type { ImageContentDto, SendMessageRequestDto, TextContentDto } from './message.dto.js';

/**
 * Converts a message.
 * @throws InvalidRequestError if its role is not `user`
 */
export function toNewMessage(dto: SendMessageRequestDto, roleLocation: string[]): NewMessage {
  if (dto.role !== 'user') {
    throw new InvalidRequestError(
      roleLocation,
      'Only user messages are allowed to be sent to the agent.',
      dto.role,
    );
  }
  return { role: dto.role, content: dto.content.map(toContent) };
}

function toContent(block: TextContentDto | ImageContentDto): Content {
  const { cache_prompt } = block;
  return block.type === 'text'
    ? { cache_prompt, type: 'text', text: block.text }
    : { cache_prompt, type: 'image', image_urls: block.image_urls };
}
