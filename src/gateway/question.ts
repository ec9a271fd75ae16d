import { BadRequestException } from '@nestjs/common';
import { plainText, textContent, type Content } from '../events/index.js';
import { isJsonObject, type JsonObject } from '../json/index.js';
import type { OpenAIChatCompletionRequestDto, OpenAIContentPartDto } from './dto/chat-completion.dto.js';
import type {
  OpenAIResponseInputContentPartDto,
  OpenAIResponseInputMessageDto,
  OpenAIResponseRequestDto,
} from './dto/response.dto.js';
import { requestedSchema } from './response-format.js';

/** A request, converted for a conversation. */
export interface Question {
  model: string;
  /** The message to the agent. */
  content: Content[];
  /** Added to the system prompt of a new conversation. */
  instructions: string;
  /** The JSON schema that the answer has to match; undefined: the answer is a text. */
  schema?: JsonObject;
}

/** Maximum number of images in a message. */
const MAX_IMAGES = 100;
const SYSTEM_ROLES: readonly string[] = ['system', 'developer'];

/** @throws BadRequestException for a request without a valid user message */
export function questionOfChat(request: OpenAIChatCompletionRequestDto): Question {
  const { model, messages, response_format } = request;
  const last = messages.findLast(({ role }) => role === 'user');
  if (!last) throw badRequest('At least one user message is required');
  return {
    model,
    content: validated(chatContent(last.content), 'The user message must not be empty'),
    instructions: instructionsOf(
      messages
        .filter(({ role }) => SYSTEM_ROLES.includes(role))
        .map(({ content }) => plainText(chatContent(content))),
    ),
    schema: requestedSchema(response_format, 'response_format'),
  };
}

/** @throws BadRequestException for a request without a valid user message, and for unsupported options */
export function questionOfResponse(request: OpenAIResponseRequestDto): Question {
  const { model, input, instructions, previous_response_id, store, text } = request;
  if (store) throw badRequest('Persistent response storage (store=True) is not supported yet');
  if (previous_response_id !== null)
    throw badRequest('previous_response_id is not supported; replay input items instead');
  const schema = requestedSchema(isJsonObject(text) ? text['format'] : null, 'text.format');
  const empty = 'Responses input must not be empty';
  if (typeof input === 'string') {
    const content = input.trim() === '' ? [] : [textContent(input)];
    return {
      model,
      content: validated(content, empty),
      instructions: instructionsOf([instructions ?? '']),
      schema,
    };
  }
  const read = input.map((message) => ({ role: message.role, content: responseContent(message) }));
  const [system, dialogue] = [
    read.filter(({ role }) => SYSTEM_ROLES.includes(role)),
    read.filter(({ role }) => !SYSTEM_ROLES.includes(role)),
  ];
  if (!dialogue.some(({ role }) => role === 'user'))
    throw badRequest('Responses input must include a user message');
  validated(
    dialogue.flatMap(({ content }) => content),
    empty,
  );
  return {
    model,
    content: asOneMessage(dialogue),
    instructions: instructionsOf([instructions ?? '', ...system.map(({ content }) => plainText(content))]),
    schema,
  };
}

/** Joins a dialogue into one message that names the role of each part. */
function asOneMessage(dialogue: readonly { role: string; content: Content[] }[]): Content[] {
  const [only, ...others] = dialogue;
  if (only && others.length === 0) return only.content;
  return dialogue.flatMap(({ role, content }) => [
    textContent(`<message role="${role}">`),
    ...content,
    textContent('</message>'),
  ]);
}

function chatContent(content: string | readonly OpenAIContentPartDto[] | null): Content[] {
  if (typeof content === 'string' || content === null) return textBlocks(content);
  return content.flatMap(({ type, text, image_url: image }) => {
    if (type === 'text') return textBlocks(text);
    if (type !== 'image_url') throw badRequest(`Unsupported content part type: ${truncated(type)}`);
    const url = typeof image === 'string' ? image : image?.url;
    return [imageOf(url, 'image_url content part is missing a url')];
  });
}

function responseContent({ content }: OpenAIResponseInputMessageDto): Content[] {
  if (typeof content === 'string') return textBlocks(content);
  return content.flatMap((part) => responsePart(part));
}

function responsePart({ type, text, image_url: image }: OpenAIResponseInputContentPartDto): Content[] {
  if (type === 'input_text' || type === 'output_text') return textBlocks(text);
  if (type !== 'input_image') throw badRequest(`Unsupported Responses content part type: ${truncated(type)}`);
  return [imageOf(image, 'input_image content part is missing an image_url')];
}

function textBlocks(text: string | null): Content[] {
  return text === null || text === '' ? [] : [textContent(text)];
}

/**
 * @throws BadRequestException for a missing URL, and for one that is neither http(s) nor a data: URL of an
 *   image
 */
function imageOf(url: string | null | undefined, missing: string): Content {
  if (url === null || url === undefined || url === '') throw badRequest(missing);
  if (!/^(https?:\/\/|data:image\/)/i.test(url))
    throw badRequest('An image must be an http(s) URL or a data: URL of an image');
  return { cache_prompt: false, type: 'image', image_urls: [url] };
}

/** @throws BadRequestException for an empty message or too many images */
function validated(content: Content[], empty: string): Content[] {
  const says = content.some((block) => block.type === 'image' || block.text.trim() !== '');
  if (!says) throw badRequest(empty);
  const images = content.filter(({ type }) => type === 'image').length;
  if (images > MAX_IMAGES) throw badRequest(`A message may have ${MAX_IMAGES} images, not ${images}`);
  return content;
}

function instructionsOf(texts: readonly string[]): string {
  return texts.filter((text) => text.trim() !== '').join('\n\n');
}

function truncated(text: string): string {
  return text.slice(0, 100);
}

function badRequest(detail: string): BadRequestException {
  return new BadRequestException({ detail });
}
