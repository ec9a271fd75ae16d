import { Injectable, type PipeTransform } from '@nestjs/common';
import { readChecked } from './dto.js';
import { uuid } from './field-type.js';

/** Reads the id of a conversation in a path: any spelling of a UUID becomes the dashed one in lower case. */
@Injectable()
export class ConversationIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return String(readChecked(uuid(), value, ['path', 'conversation_id']));
  }
}
