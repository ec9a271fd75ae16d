import { model, Field, anyObject, choice, flag, listOf, nullable, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { orNull, textOr, nestedObject } from './unions.js';

/** Maximum number of messages; the conversation has its own history. */
const MAX_MESSAGES = 2048;

/** An image. */
class OpenAIImageURLDto {
  @Field(text(), 'The image, as an `http:`, `https:` or `data:` URL.')
  url!: string;
}

/** A part of a message. */
export class OpenAIContentPartDto {
  @Field(text(), 'Kind of the part: `text` or `image_url`.')
  type!: string;

  @Field(nullable(text()), 'Text of the part, if it is one; null otherwise.')
  text: string | null = null;

  @Field(
    orNull(textOr('OpenAIImageURL', nestedObject(OpenAIImageURLDto, 'OpenAIImageURL'))),
    'Image of the part, if it is one; null otherwise.',
  )
  image_url: OpenAIImageURLDto | string | null = null;
}

/** A message of the dialogue. */
class OpenAIChatMessageDto {
  @Field(
    choice(['system', 'developer', 'user', 'assistant', 'tool']),
    'Who the message is from. Only messages of `user`, `system` and `developer` are used.',
  )
  role!: string;

  @Field(
    orNull(
      textOr('list[OpenAIContentPart]', listOf(nestedObject(OpenAIContentPartDto, 'OpenAIContentPart'))),
    ),
    'Text or parts of the message; null: none.',
  )
  content: string | OpenAIContentPartDto[] | null = null;
}

/** Options of a stream. */
class OpenAIStreamOptionsDto {
  @Field(flag(), 'The stream ends with the token usage of the conversation.')
  include_usage = false;

  @Field(flag(), 'False: only the final response, without the messages before it.')
  include_commentary = true;
}

/** A request for a chat completion. Other fields of OpenAI's API are accepted and ignored. */
export class OpenAIChatCompletionRequestDto {
  @Field(text(), '`openhands_` followed by the name of an LLM profile.')
  model!: string;

  @Field(
    listOf(model(OpenAIChatMessageDto), { max: MAX_MESSAGES }),
    'The last user message is sent to the agent; system messages are added to the prompt of a new conversation.',
  )
  messages!: OpenAIChatMessageDto[];

  @Field(flag(), 'Answer with server-sent events while the agent works.')
  stream = false;

  @Field(nullable(model(OpenAIStreamOptionsDto)), 'What the stream contains; null: the defaults.')
  stream_options: OpenAIStreamOptionsDto | null = null;

  @Field(
    nullable(anyObject()),
    'Form of the answer. `{"type": "json_schema", "json_schema": {"schema": ...}}`: JSON that matches the ' +
      'schema. Null, and the other types: text.',
  )
  response_format: JsonObject | null = null;
}
