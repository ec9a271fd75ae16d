import type { JsonSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const listOf = (name: string): JsonSchema => ({
  type: 'array',
  items: { $ref: `#/components/schemas/${name}` },
});

/** Schemas of the answers of the file routes. */
export function fileSchemas(): Record<string, JsonSchema> {
  return {
    FileUploadResult: object({
      success: { type: 'boolean' },
      file_size: { type: 'integer', description: 'Bytes.' },
    }),
    FileBrowserEntry: object({ label: text, path: text }),
    HomeResponse: object({
      home: text,
      favorites: listOf('FileBrowserEntry'),
      locations: listOf('FileBrowserEntry'),
    }),
    SubdirectoryEntry: object({ name: text, path: text }),
    SubdirectoryPage: object({
      items: listOf('SubdirectoryEntry'),
      next_page_id: { anyOf: [text, { type: 'null' }] },
    }),
  };
}
