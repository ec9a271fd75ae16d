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

/** The same for routes that are there with and without a conversation: undefined for those without. */
@Injectable()
export class RuntimeConversationIdPipe implements PipeTransform<string | undefined, string | undefined> {
  transform(value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    return String(readChecked(uuid(), value, ['path', 'runtime_conversation_id']));
  }
}
