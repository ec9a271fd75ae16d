import { Field, choice, flag, listOf, nullable, recordOf, text } from '../../http/index.js';
import { textOr, nestedObject } from './unions.js';

/** Maximum number of messages. */
const MAX_MESSAGES = 2048;

/** A part of a message. */
export class OpenAIResponseInputContentPartDto {
  @Field(text(), '`input_text`, `output_text` or `input_image`.')
  type!: string;

  @Field(nullable(text()))
  text: string | null = null;

  @Field(nullable(text()), 'An http(s) URL or a data: URL.')
  image_url: string | null = null;
}

/** A message of the dialogue. */
export class OpenAIResponseInputMessageDto {
  @Field(choice(['system', 'developer', 'user', 'assistant']))
  role!: string;

  @Field(
    textOr(
      'list[OpenAIResponseInputContentPart]',
      listOf(nestedObject(OpenAIResponseInputContentPartDto, 'OpenAIResponseInputContentPart')),
    ),
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

  @Field(nullable(text()), 'Added to the prompt of a new conversation.')
  instructions: string | null = null;

  @Field(nullable(text()), 'Not supported: use the header to continue a conversation.')
  previous_response_id: string | null = null;

  @Field(flag(), 'Not supported: conversations are kept, responses are not.')
  store = false;

  @Field(flag())
  stream = false;

  @Field(nullable(recordOf(text())), 'Returned unchanged.')
  metadata: Record<string, string> | null = null;
}
