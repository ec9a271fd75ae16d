import { Field, anyObject, choice, flag, listOf, nullable, recordOf, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { textOr, nestedObject } from './unions.js';

/** Maximum number of messages. */
const MAX_MESSAGES = 2048;

/** A part of a message. */
export class OpenAIResponseInputContentPartDto {
  @Field(text(), 'Kind of the part: `input_text`, `output_text` or `input_image`.')
  type!: string;

  @Field(nullable(text()), 'Text of the part, if it is one; null otherwise.')
  text: string | null = null;

  @Field(
    nullable(text()),
    'Image of the part as an `http:`, `https:` or `data:` URL, if it is one; null otherwise.',
  )
  image_url: string | null = null;
}

/** A message of the dialogue. */
export class OpenAIResponseInputMessageDto {
  @Field(choice(['system', 'developer', 'user', 'assistant']), 'Who the message is from.')
  role!: string;

  @Field(
    textOr(
      'list[OpenAIResponseInputContentPart]',
      listOf(nestedObject(OpenAIResponseInputContentPartDto, 'OpenAIResponseInputContentPart')),
    ),
    'Text or parts of the message.',
  )
  content!: string | OpenAIResponseInputContentPartDto[];
}

/** A request for a response. Other fields of OpenAI's API are accepted and ignored. */
export class OpenAIResponseRequestDto {
  @Field(text(), '`openhands_` followed by the name of an LLM profile.')
  model!: string;

  @Field(
    textOr(
      'list[OpenAIResponseInputMessage]',
      listOf(nestedObject(OpenAIResponseInputMessageDto, 'OpenAIResponseInputMessage'), {
        max: MAX_MESSAGES,
      }),
    ),
    'All user and assistant messages are sent to the agent; system messages are added to its prompt.',
  )
  input!: string | OpenAIResponseInputMessageDto[];

  @Field(nullable(text()), 'Text that is added to the prompt of a new conversation; null: none.')
  instructions: string | null = null;

  @Field(nullable(text()), 'Not supported: use the header to continue a conversation. Null: none.')
  previous_response_id: string | null = null;

  @Field(flag(), 'Not supported: conversations are kept, responses are not.')
  store = false;

  @Field(flag(), 'Answer with server-sent events while the agent works.')
  stream = false;

  @Field(nullable(recordOf(text())), 'Properties that the answer repeats unchanged; null: none.')
  metadata: Record<string, string> | null = null;

  @Field(
    nullable(anyObject()),
    'Form of the answer. `{"format": {"type": "json_schema", "schema": ...}}`: JSON that matches the schema. ' +
      'Null, and the other types: text.',
  )
  text: JsonObject | null = null;
}
