export { beginEventStream, EventStream, serverSentEvent } from './body/event-stream.js';
export { readFilePart } from './body/file-part.js';
export { hasBody, jsonBodyOf, UnreadBody } from './body/json-body.js';
export { RawBodies } from './body/raw-body.js';
export { releaseBody, RequestBodiesModule } from './body/request-bodies.js';
export { dropRestOfBody } from './body/rest-of-body.js';
export {
  type AnswerSource,
  abortWhenClientLeaves,
  streamAnswer,
  streamJsonArray,
} from './body/stream-answer.js';
export { configureHttp, type HttpOptions } from './configure-http.js';
export { type ErrorAnswer, expectedAnswer } from './errors/error-answer.js';
export { detailText, RPC_CODES, usesJsonRpcErrors } from './errors/json-rpc-error.js';
export { openAiError, type OpenAiError } from './errors/openai-error.js';
export { RequestAnsweredError } from './errors/request-answered-error.js';
export { JsonAdapter } from './json-adapter.js';
export {
  type BodyDocs,
  documentedSchemas,
  documentSchemas,
  EXAMPLE_CONVERSATION,
  Operation,
  operationName,
  operationOf,
  type OperationDocs,
  type SchemaSource,
  UNKNOWN_CONVERSATION,
} from './operation.js';
export { nameConversation, namedConversation } from './routing/named-conversation.js';
export { conversationIn, conversationsIn } from './routing/conversation-in.js';
export { isNavigation, isReading, prefersPage } from './routing/navigation.js';
export { traceRequests } from './routing/trace-requests.js';
export { type DescribedField, describedFields, objectSchema } from './schema-fields.js';
export { ConversationIdPipe, RuntimeConversationIdPipe } from './validation/conversation-id.pipe.js';
export {
  firstValidOf,
  model,
  oneOfKinds,
  problemsOf,
  readChecked,
  readDto,
  referencedDtos,
  refTo,
  schemaName,
  toPlain,
} from './validation/dto.js';
export {
  type DtoClass,
  Embedded,
  Field,
  fieldsOf,
  type FieldSpec,
  isClosed,
  NoOtherFields,
  OptionalBody,
} from './validation/field.js';
export {
  anyObject,
  anything,
  choice,
  decimal,
  type FieldType,
  flag,
  instant,
  integer,
  type JsonSchema,
  listOf,
  mapOf,
  nullable,
  recordOf,
  shortText,
  text,
  uuid,
} from './validation/field-type.js';
export {
  type Location,
  MISSING,
  prefixPath,
  type Problem,
  problemsOfEach,
  RequestValidationError,
  valueError,
} from './validation/problem.js';
export { hasSecrets, shownAs } from './validation/secret-fields.js';
export { parseUuid } from './validation/uuid.js';
