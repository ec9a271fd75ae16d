import { type JsonSchema, objectSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const number: JsonSchema = { type: 'integer' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** Schemas of the answers of searches. */
export function searchSchemas(): Record<string, JsonSchema> {
  return {
    FoundName: objectSchema({
      path: [text, 'Path of the file, relative to the searched folder.'],
      score: [{ type: 'number' }, 'How well it fits; comparable within one answer.'],
      positions: [
        { type: 'array', items: number },
        'Which characters of the path were matched: indexes of UTF-16 code units.',
      ],
    }),
    FoundNames: objectSchema({
      items: [
        { type: 'array', items: { $ref: '#/components/schemas/FoundName' } },
        'The files that fit, the best first, at most `limit`.',
      ],
      matching: [number, 'Number of files that fit.'],
      files: [number, 'Number of files that were looked at.'],
      truncated: [
        { type: 'boolean' },
        'Whether files were left out: there were too many, or it took too long.',
      ],
    }),
    SearchRecord: {
      anyOf: [
        objectSchema({
          type: [{ type: 'string', enum: ['match', 'context'] }, 'A line that matches, or one around it.'],
          path: [text, 'Path of the file, relative to the searched folder.'],
          line: [orNull(number), 'Number of the line, from 1; null if the line is too long to be read.'],
          text: [orNull(text), 'Up to 500 characters of the line around its first match; null as above.'],
          offset: [number, 'Where `text` begins in the line, in UTF-16 code units.'],
          cut: [{ type: 'boolean' }, 'Whether the line goes on after `text`.'],
          ranges: [
            { type: 'array', items: { type: 'array', items: number, minItems: 2, maxItems: 2 } },
            'Begin and end of each match in `text`, in UTF-16 code units.',
          ],
        }),
        objectSchema({
          type: [{ type: 'string', enum: ['end'] }, 'The end of the answer.'],
          matches: [number, 'Number of matching lines that were sent.'],
          files: [number, 'Number of files that they are in.'],
          stopped: [
            orNull({ type: 'string', enum: ['matches', 'size', 'time'] }),
            'What ended the search early: `limit`, the size of the answer, or the time. Null: all was searched.',
          ],
        }),
      ],
    },
  };
}
