import { type JsonSchema, objectSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const listOf = (name: string): JsonSchema => ({
  type: 'array',
  items: { $ref: `#/components/schemas/${name}` },
});

/** Schemas of the answers of the file routes. */
export function fileSchemas(): Record<string, JsonSchema> {
  return {
    FileUploadResult: objectSchema({
      success: [{ type: 'boolean' }, 'Always true: a failed upload is answered with an error.'],
      file_size: [{ type: 'integer' }, 'Size of the stored file in bytes.'],
    }),
    FileBrowserEntry: objectSchema({
      label: [text, 'Name to show for the folder.'],
      path: [text, 'Absolute path of the folder.'],
    }),
    HomeResponse: objectSchema({
      home: [text, 'Absolute path of the home folder of the user that runs the server.'],
      favorites: [listOf('FileBrowserEntry'), 'Folders in the home folder, sorted by name, at most 50.'],
      locations: [
        listOf('FileBrowserEntry'),
        'Places to start browsing from: the root of the file system, or of the files that the server allows.',
      ],
    }),
    SubdirectoryEntry: objectSchema({
      name: [text, 'Name of the folder.'],
      path: [text, 'Absolute path of the folder.'],
    }),
    SubdirectoryPage: objectSchema({
      items: [listOf('SubdirectoryEntry'), 'Folders sorted by name, without links.'],
      next_page_id: [
        { anyOf: [text, { type: 'null' }] },
        '`page_id` of the next page; null on the last one.',
      ],
    }),
  };
}
