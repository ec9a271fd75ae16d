/** What is answered of the editor, for the API document. */
export const EDITOR_STATUS = {
  description: 'Whether it runs, and whether it is allowed to.',
  schema: { type: 'object', additionalProperties: { anyOf: [{ type: 'boolean' }, { type: 'string' }] } },
};
