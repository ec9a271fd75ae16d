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
    TextLines: objectSchema({
      lines: [
        {
          type: 'array',
          items: objectSchema({
            number: [{ type: 'integer' }, 'Number of the line, from 1.'],
            text: [{ type: 'string' }, 'The line without its end, up to 8 KiB of it.'],
            cut: [{ type: 'boolean' }, 'Whether the line goes on after `text`.'],
          }),
        },
        'The lines; none beyond the end of the file, or where the first line was not reached.',
      ],
      size: [{ type: 'integer' }, 'Size of the file in bytes.'],
      next: [
        {
          anyOf: [
            objectSchema({
              from: [{ type: 'integer' }, 'Number of the line.'],
              offset: [{ type: 'integer' }, 'Where it begins in the file, in bytes.'],
            }),
            { type: 'null' },
          ],
        },
        'Where the following lines begin; null at the end of the file.',
      ],
      binary: [{ type: 'boolean' }, 'Whether the file is no text; it has no lines then.'],
      modified_at: [{ type: 'string', format: 'date-time' }, 'Time of the last change.'],
    }),
    TreeEntry: objectSchema({
      name: [{ type: 'string' }, 'Name of the entry; bytes that are not UTF-8 are shown as U+FFFD.'],
      kind: [
        { type: 'string', enum: ['file', 'folder', 'link', 'other'] },
        'What it is; `other`: a pipe, a socket, a device, or it is gone meanwhile.',
      ],
      size: [
        { anyOf: [{ type: 'integer' }, { type: 'null' }] },
        'Size of a file in bytes; null for everything else.',
      ],
      modified_at: [
        { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] },
        'Time of the last change; null if it is gone meanwhile.',
      ],
      target: [
        { anyOf: [{ type: 'string', enum: ['file', 'folder'] }, { type: 'null' }] },
        'What a link leads to; null for everything else, and for links out of the allowed folder.',
      ],
      git: [
        {
          anyOf: [
            {
              type: 'string',
              enum: ['added', 'modified', 'deleted', 'untracked', 'ignored', 'conflicted'],
            },
            { type: 'null' },
          ],
        },
        'What git says of it; null: as in the last commit, or not known. Of a folder only if all of it is untracked or ignored.',
      ],
      contains_changes: [{ type: 'boolean' }, 'Whether something in a folder is changed or untracked.'],
    }),
    TreePage: objectSchema({
      items: [
        { type: 'array', items: { $ref: '#/components/schemas/TreeEntry' } },
        'The entries of the page.',
      ],
      next_page_id: [
        { anyOf: [{ type: 'string' }, { type: 'null' }] },
        '`page_id` of the next page; null on the last one.',
      ],
      total: [{ type: 'integer' }, 'Number of entries in all pages.'],
      truncated: [{ type: 'boolean' }, 'Whether the folder has more entries than are looked at.'],
      git: [
        { type: 'string', enum: ['complete', 'partial', 'unavailable', 'none'] },
        'Whether `git` of the entries is known; `partial`: there are too many changes, `none`: no repository.',
      ],
    }),
  };
}
