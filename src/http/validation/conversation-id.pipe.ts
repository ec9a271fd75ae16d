import { Injectable, type PipeTransform } from '@nestjs/common';
import { readChecked } from './dto.js';
import { uuid } from './field-type.js';

/** Parses a conversation id in a path: any form of a UUID, normalised to dashes and lower case. */
@Injectable()
export class ConversationIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return String(readChecked(uuid(), value, ['path', 'conversation_id']));
  }
}

/** The same for routes with an optional conversation; undefined when there is none. */
@Injectable()
export class RuntimeConversationIdPipe implements PipeTransform<string | undefined, string | undefined> {
  transform(value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    return String(readChecked(uuid(), value, ['path', 'runtime_conversation_id']));
  }
}
