import {
  type ArgumentMetadata,
  Injectable,
  type PipeTransform,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { isJsonObject } from '../../json/index.js';
import { problemsOf, readDto } from './dto.js';
import { type DtoClass, fieldsOf, isEmbedded, isOptionalBody } from './field.js';
import { UnreadBody } from '../body/json-body.js';
import { MISSING, RequestValidationError, prefixPath } from './problem.js';
import { shownAs, withoutSecrets } from './secret-fields.js';

/**
 * Parses and validates the body and the query of a request as the DTO that the handler declares. Other
 * arguments pass unchanged.
 */
@Injectable()
export class RequestPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (!isDtoClass(metatype)) return value;
    if (type === 'body') return readBody(metatype, value);
    if (type === 'query') return readQuery(metatype, value);
    return value;
  }
}

function isDtoClass(metatype: ArgumentMetadata['metatype']): metatype is DtoClass {
  return metatype !== undefined && fieldsOf(metatype).size > 0;
}

function readBody(dto: DtoClass, body: unknown): object {
  if (body instanceof UnreadBody) throw new UnsupportedMediaTypeException(body.explanation);
  if (body === undefined && isOptionalBody(dto)) return readDto(dto, {});
  const [name = ''] = fieldsOf(dto).keys();
  if (isEmbedded(dto) && !(isJsonObject(body) && Object.hasOwn(body, name))) {
    throw new RequestValidationError(prefixPath(['body', name], [MISSING]), { body: null });
  }
  if (body === undefined) throw new RequestValidationError(prefixPath(['body'], [MISSING]), { body: null });
  if (!isJsonObject(body)) {
    const msg = 'Input should be a valid dictionary or object to extract fields from';
    throw new RequestValidationError([{ type: 'model_attributes_type', msg, path: ['body'] }], {
      body: shownAs([dto], body),
    });
  }
  return validated(readDto(dto, body), 'body', withoutSecrets(dto, body));
}

/** The last value of a repeated parameter counts, unless the field is a list. */
function readQuery(dto: DtoClass, query: unknown): object {
  const given = isJsonObject(query) ? query : {};
  const source: Record<string, unknown> = {};
  for (const [name, { type }] of fieldsOf(dto)) {
    if (!Object.hasOwn(given, name)) continue;
    const values = [given[name]].flat();
    source[name] = type.repeated ? values : values.at(-1);
  }
  return validated(readDto(dto, source), 'query', withoutSecrets(dto, source));
}

function validated(instance: object, where: 'body' | 'query', source: Record<string, unknown>): object {
  const problems = problemsOf(instance);
  if (problems.length === 0) return instance;
  throw new RequestValidationError(prefixPath([where], problems), { [where]: source });
}
