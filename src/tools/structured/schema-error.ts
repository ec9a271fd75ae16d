/** A `response_schema` cannot be used. The message names the mistake. */
export class ResponseSchemaError extends Error {
  override readonly name = 'ResponseSchemaError';
}
